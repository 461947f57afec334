/** What the lab's server sends; the Python side is beamtorch_catalogue.wire and beamtorch_labextensions.wire. */

export interface IWords {
  readonly en: string;
  readonly zh: string;
}

export interface IQuantity {
  readonly value: number;
  readonly unit: string;
}

export type DatasetState = 'complete' | 'broken' | 'missing';

export interface IDatasetSummary {
  readonly id: string;
  readonly name: string;
  readonly kind: 'raw' | 'processed' | 'simulated' | 'calibration';
  readonly technique: string;
  readonly beamline: string;
  readonly beamline_name: IWords;
  readonly proposal: string;
  readonly beamtime: string;
  readonly sample: string | null;
  readonly sample_description: IWords | null;
  readonly measured_at: string | null;
  readonly size: number;
  readonly file_count: number;
  readonly energy: IQuantity | null;
  readonly state: DatasetState;
  readonly problem: IWords | null;
  readonly attached_at: string | null;
}

export interface IFile {
  readonly path: string;
  readonly size: number;
  readonly format: string;
  readonly state: DatasetState;
  readonly problem: IWords | null;
}

export interface IDataset extends IDatasetSummary {
  readonly folder: string;
  readonly files: readonly IFile[];
  readonly parameters: Readonly<Record<string, IQuantity | string>>;
  readonly proposal_title: IWords;
  readonly principal_investigator: string;
  readonly software: string | null;
  readonly readers: readonly IWords[];
}

export interface ICount {
  readonly total: number;
  /** Whether there are more. */
  readonly total_is_capped: boolean;
}

/** Its total is what the pages up to this one show; capped, a count of its own tells more. */
export interface IDatasetPage extends ICount {
  readonly datasets: readonly IDatasetSummary[];
  readonly next: string | null;
  /** If nothing matches: which part of the query to drop. */
  readonly advice: IWords | null;
}

export interface IAttached {
  readonly dataset: string;
  readonly name: string;
  readonly path: string;
  readonly attached_at: string;
  readonly state: DatasetState;
  readonly problem: IWords | null;
}

export interface ILoaderCode {
  readonly code: string;
  readonly path: string;
  readonly shown_path: string;
}

/** RFC 9457, with Chinese beside English. */
export interface IProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly title_zh?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly detail_zh?: string;
}
