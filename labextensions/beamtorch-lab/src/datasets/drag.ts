import type { ICell } from '@jupyterlab/nbformat';
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';

import type { ILoaderCode } from '../source/wire';

const THRESHOLD = 5;
const CELLS = 'application/vnd.jupyter.cells';

/** What a drag carries. A notebook takes cells before text, so never both. */
export type Freight = 'cell' | 'path';

/** Wait for the mouse to move, then drag; the code is asked for at once, so that it is there by then. */
export function startDrag(
  event: MouseEvent,
  dataset: string,
  name: string,
  freight: Freight,
  loader: () => Promise<ILoaderCode>
): void {
  if (event.button !== 0) {
    return;
  }
  const { clientX, clientY } = event;
  let at = { x: clientX, y: clientY };
  let code: ILoaderCode | null = null;
  let asked = false;
  const ending = new AbortController();
  const { signal } = ending;

  const tryStart = (): void => {
    if (code && !signal.aborted && Math.hypot(at.x - clientX, at.y - clientY) >= THRESHOLD) {
      ending.abort();
      const drag = new Drag({
        mimeData: packed(code, dataset, freight),
        dragImage: label(name),
        proposedAction: 'copy',
        supportedActions: 'copy'
      });
      void drag.start(at.x, at.y).then(() => drag.dispose());
    }
  };
  const move = (moved: MouseEvent): void => {
    at = { x: moved.clientX, y: moved.clientY };
    if (!asked && Math.hypot(at.x - clientX, at.y - clientY) > 1) {
      asked = true;
      // A drag that cannot carry anything does not begin; the buttons say why.
      loader().then(found => {
        code = found;
        tryStart();
      }, () => ending.abort());
    }
    tryStart();
  };
  document.addEventListener('mousemove', move, { signal });
  document.addEventListener('mouseup', () => ending.abort(), { signal, capture: true });
}

function packed(found: ILoaderCode, dataset: string, freight: Freight): MimeData {
  const data = new MimeData();
  if (freight === 'path') {
    data.setData('text/plain', found.path);
  } else {
    const cell: ICell = {
      cell_type: 'code',
      source: found.code,
      metadata: { beamtorch: { dataset } },
      outputs: [],
      execution_count: null
    };
    data.setData(CELLS, [cell]);
  }
  return data;
}

function label(name: string): HTMLElement {
  const node = document.createElement('div');
  node.className = 'bt-in-lab bt-drag';
  node.textContent = name;
  return node;
}
