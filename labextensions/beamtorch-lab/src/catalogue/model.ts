import { ISignal, Signal } from '@lumino/signaling';

import { Problem } from '../source/problem';
import type { ISource } from '../source/source';
import type { IDataset, IDatasetSummary, IWords } from '../source/wire';

const TYPING_PAUSE = 250;

/** Why a list is empty, and what helps. */
export interface IEmptiness {
  readonly query: string;
  /** The catalogue's words on what to drop. */
  readonly advice: IWords | null;
}

/** What the panel shows. */
export interface IView {
  readonly query: string;
  readonly busy: boolean;
  /** Null until the first answer. */
  readonly results: readonly IDatasetSummary[] | null;
  readonly total: number;
  readonly isCapped: boolean;
  readonly next: string | null;
  readonly problem: Problem | null;
  readonly emptiness: IEmptiness | null;
  readonly chosen: IDatasetSummary | null;
  readonly detail: IDataset | null;
  readonly detailProblem: Problem | null;
}

const START: IView = {
  query: '',
  busy: false,
  results: null,
  total: 0,
  isCapped: false,
  next: null,
  problem: null,
  emptiness: null,
  chosen: null,
  detail: null,
  detailProblem: null
};

/** The state of the panel; it changes as a whole and says so. */
export class CatalogueModel {
  private _view: IView = START;
  private _changed = new Signal<this, IView>(this);
  private _asked = 0;
  private _pause = 0;
  private _shown: string | null = null;

  constructor(private readonly _source: ISource) {}

  get view(): IView {
    return this._view;
  }

  get changed(): ISignal<this, IView> {
    return this._changed;
  }

  /** The text in the box changed; search after a pause. */
  type(query: string): void {
    this._set({ query });
    window.clearTimeout(this._pause);
    this._pause = window.setTimeout(() => void this.search(), TYPING_PAUSE);
  }

  /** Search at once, with another text if one is given. */
  async search(query = this._view.query): Promise<void> {
    window.clearTimeout(this._pause);
    const turn = ++this._asked;
    this._set({ query, busy: true });
    try {
      const page = await this._source.search(query);
      if (turn !== this._asked) {
        return;
      }
      this._shown = query;
      this._set({
        busy: false,
        results: page.datasets,
        total: page.total,
        isCapped: page.total_is_capped,
        next: page.next,
        problem: null,
        emptiness: page.datasets.length ? null : { query: query.trim(), advice: page.advice }
      });
      if (page.total_is_capped) {
        void this._count(query);
      }
    } catch (thrown) {
      if (turn === this._asked) {
        // What was found for the same words stays on the page, below the sentence that says why it may be old.
        const kept = this._shown === query ? {} : { results: null, next: null, emptiness: null };
        this._set({ ...kept, busy: false, problem: Problem.from(thrown) });
      }
    }
  }

  /** Add the next page. */
  async more(): Promise<void> {
    const { next: after, query, results } = this._view;
    if (!after || this._view.busy) {
      return;
    }
    const turn = ++this._asked;
    this._set({ busy: true });
    try {
      const page = await this._source.search(this._shown ?? query, { after });
      if (turn === this._asked) {
        const further = page.total > this._view.total ? { total: page.total, isCapped: page.total_is_capped } : {};
        const all = [...(results ?? []), ...page.datasets];
        this._set({ ...further, busy: false, results: all, next: page.next, problem: null });
      }
    } catch (thrown) {
      if (turn === this._asked) {
        this._set({ busy: false, problem: Problem.from(thrown) });
      }
    }
  }

  /** Tell how many there are, once that is known; until then the first page says how many at least. */
  private async _count(query: string): Promise<void> {
    try {
      const { total, total_is_capped: isCapped } = await this._source.count(query);
      if (query === this._shown) {
        this._set({ total, isCapped });
      }
    } catch {
      // The list is there, and says how many there are at least.
    }
  }

  /** Show one dataset in detail. */
  async choose(dataset: IDatasetSummary | null): Promise<void> {
    const same = dataset?.id === this._view.chosen?.id;
    this._set({ chosen: dataset, detail: same ? this._view.detail : null, detailProblem: null });
    if (!dataset) {
      return;
    }
    try {
      const detail = await this._source.dataset(dataset.id);
      if (this._view.chosen?.id === dataset.id) {
        this._set({ detail, chosen: detail });
      }
    } catch (thrown) {
      if (this._view.chosen?.id === dataset.id) {
        this._set({ detailProblem: Problem.from(thrown) });
      }
    }
  }

  /** Find a dataset by its identifier and show it. */
  async reveal(id: string): Promise<void> {
    const listed = this._view.results?.find(one => one.id === id);
    try {
      await this.choose(listed ?? (await this._source.dataset(id)));
    } catch (thrown) {
      this._set({ detailProblem: Problem.from(thrown) });
    }
  }

  private _set(change: Partial<IView>): void {
    this._view = { ...this._view, ...change };
    this._changed.emit(this._view);
  }
}
