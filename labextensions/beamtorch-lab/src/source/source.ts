import type { IAttached, ICount, IDataset, IDatasetPage, ILoaderCode } from './wire';

/** Where datasets come from. Every method rejects with a Problem. */
export interface ISource {
  search(query: string, options?: { limit?: number; after?: string }): Promise<IDatasetPage>;
  count(query: string): Promise<ICount>;
  dataset(id: string): Promise<IDataset>;
  attached(): Promise<readonly IAttached[]>;
  attach(id: string, evenIfIncomplete: boolean): Promise<IAttached>;
  detach(id: string): Promise<void>;
  loaderCode(id: string): Promise<ILoaderCode>;
  /** Address of the picture of a dataset. */
  thumbnail(id: string): string;
}
