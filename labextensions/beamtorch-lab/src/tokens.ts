import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { IAttached, IDatasetSummary } from './source/wire';

/** What can be done with a dataset in this lab. Methods reject with a Problem. */
export interface IDatasets {
  /** What is attached; null until first known. */
  readonly attached: readonly IAttached[] | null;
  /** Something was attached or detached, or the list was read again. */
  readonly changed: ISignal<IDatasets, void>;
  /** The dataset that commands without an argument act on. */
  current: IDatasetSummary | null;
  refresh(): Promise<void>;
  /** Link a dataset into the home; one of which files are gone only if `evenIfIncomplete`. */
  attach(id: string, evenIfIncomplete?: boolean): Promise<IAttached>;
  detach(id: string): Promise<void>;
  /** Put a cell that reads the dataset into the notebook; attaches it first. */
  insertLoader(id: string): Promise<void>;
  /** Put the path at the cursor; attaches the dataset first. */
  insertPath(id: string): Promise<void>;
  copyPath(id: string): Promise<string>;
  /** Follow the mouse: after a few pixels a drag of the cell, or of the path, begins. */
  grab(event: MouseEvent, id: string, name: string, what: 'cell' | 'path'): void;
}

export const IDatasets = new Token<IDatasets>('beamtorch-lab:IDatasets', 'Attach datasets and use them in notebooks.');

/** The catalogue panel. */
export interface ICatalogue {
  /** The command that opens it. */
  readonly command: string;
}

export const ICatalogue = new Token<ICatalogue>('beamtorch-lab:ICatalogue', 'The panel that finds datasets.');
