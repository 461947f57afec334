import type { JupyterFrontEnd } from '@jupyterlab/application';
import { INotebookTracker, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { Problem } from '../source/problem';

const NO_NOTEBOOK = new Problem(
  'no-notebook',
  { en: 'No notebook is open', zh: '没有打开的笔记本' },
  {
    en: 'A new notebook could not be opened. Open one, select a cell and try again.',
    zh: '无法新建笔记本。请打开一个笔记本并选中单元格后重试。'
  }
);

const LONGEST_START = 20_000;

/** The notebook that a person works in. */
export class NotebookHand {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _tracker: INotebookTracker | null
  ) {}

  /** Put code into a new cell below the active one, selected and ready to run. */
  async insertCode(code: string, dataset: string): Promise<void> {
    const { panel, fresh } = await this._panel();
    // JupyterLab drops a run without a word while the session is still starting.
    await Promise.race([panel.sessionContext.ready, pause(LONGEST_START)]);
    const notebook = panel.content;
    const { sharedModel } = notebook.model!;
    const metadata = { beamtorch: { dataset } };
    const index = fresh ? 0 : notebook.activeCellIndex + 1;
    sharedModel.transact(() => {
      if (fresh) {
        sharedModel.deleteCellRange(0, sharedModel.cells.length);
      }
      sharedModel.insertCell(index, { cell_type: 'code', source: code, metadata });
    });
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    notebook.mode = 'command';
    this._app.shell.activateById(panel.id);
    await notebook.scrollToItem(index);
    await NotebookActions.focusActiveCell(notebook);
  }

  /** Put a path at the cursor: quoted in code, unless the cursor stands behind a quote. */
  async insertPath(path: string, dataset: string): Promise<void> {
    const panel = this._tracker?.currentWidget;
    const cell = panel?.content.activeCell;
    if (!panel || !cell) {
      await this.insertCode(`path = ${JSON.stringify(path)}`, dataset);
      return;
    }
    this._app.shell.activateById(panel.id);
    await cell.ready;
    const editor = cell.editor;
    if (!editor) {
      throw NO_NOTEBOOK;
    }
    const offset = editor.getOffsetAt(editor.getCursorPosition());
    const quoted = /["']/.test(editor.model.sharedModel.getSource().charAt(offset - 1));
    const text = cell.model.type === 'code' && !quoted ? JSON.stringify(path) : path;
    panel.content.mode = 'edit';
    editor.replaceSelection?.(text);
    editor.focus();
  }

  private async _panel(): Promise<{ panel: NotebookPanel; fresh: boolean }> {
    const current = this._tracker?.currentWidget;
    if (current?.content.model) {
      await current.context.ready;
      return { panel: current, fresh: false };
    }
    const kernelName = await this._pythonKernel();
    const opened: unknown = await this._app.commands.execute('notebook:create-new', { kernelName });
    if (!(opened instanceof NotebookPanel)) {
      throw NO_NOTEBOOK;
    }
    await opened.revealed;
    await opened.context.ready;
    return { panel: opened, fresh: true };
  }

  private async _pythonKernel(): Promise<string | undefined> {
    const { kernelspecs } = this._app.serviceManager;
    await kernelspecs.ready;
    const specs = kernelspecs.specs;
    const usual = specs?.kernelspecs[specs.default];
    if (usual?.language === 'python') {
      return usual.name;
    }
    return Object.values(specs?.kernelspecs ?? {}).find(spec => spec?.language === 'python')?.name ?? usual?.name;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => window.setTimeout(resolve, milliseconds));
}
