import { Clipboard } from '@jupyterlab/apputils';
import { ISignal, Signal } from '@lumino/signaling';

import { Problem } from '../source/problem';
import type { ISource } from '../source/source';
import type { IAttached, IDatasetSummary, ILoaderCode } from '../source/wire';
import type { IDatasets } from '../tokens';
import { Freight, startDrag } from './drag';
import type { NotebookHand } from './notebook';

/** Attaches datasets and brings them into the notebook. */
export class Datasets implements IDatasets {
  private _attached: readonly IAttached[] | null = null;
  private _changed = new Signal<this, void>(this);
  private _current: IDatasetSummary | null = null;

  constructor(
    private readonly _source: ISource,
    private readonly _hand: NotebookHand
  ) {}

  get attached(): readonly IAttached[] | null {
    return this._attached;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get current(): IDatasetSummary | null {
    return this._current;
  }

  set current(dataset: IDatasetSummary | null) {
    this._current = dataset;
    this._changed.emit();
  }

  async refresh(): Promise<void> {
    this._attached = await said(this._source.attached());
    this._changed.emit();
  }

  async attach(id: string, evenIfIncomplete = false): Promise<IAttached> {
    const attached = await said(this._source.attach(id, evenIfIncomplete));
    this._attached = [attached, ...(this._attached ?? []).filter(one => one.dataset !== id)];
    this._changed.emit();
    return attached;
  }

  async detach(id: string): Promise<void> {
    await said(this._source.detach(id));
    this._attached = (this._attached ?? []).filter(one => one.dataset !== id);
    this._changed.emit();
  }

  async insertLoader(id: string): Promise<void> {
    const { code } = await this._loader(id);
    await said(this._hand.insertCode(code, id));
  }

  async insertPath(id: string): Promise<void> {
    const { path } = await this._loader(id);
    await said(this._hand.insertPath(path, id));
  }

  async copyPath(id: string): Promise<string> {
    const { path, shown_path } = await said(this._source.loaderCode(id));
    Clipboard.copyToSystem(path);
    return shown_path;
  }

  grab(event: MouseEvent, id: string, name: string, what: Freight): void {
    startDrag(event, id, name, what, () => this._source.loaderCode(id));
  }

  private async _loader(id: string): Promise<ILoaderCode> {
    const known = this._attached?.find(one => one.dataset === id);
    if (!known) {
      await this.attach(id);
    } else if (known.problem) {
      // This mends a link that was removed; what else is wrong, the cell will say.
      await this.attach(id).catch(() => undefined);
    }
    return said(this._source.loaderCode(id));
  }
}

async function said<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw Problem.from(thrown);
  }
}
