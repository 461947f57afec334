import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { NOT_LOADED, Problem, UNREACHABLE } from './problem';
import type { ISource } from './source';
import type { IAttached, ICount, IDataset, IDatasetPage, ILoaderCode } from './wire';

/** The lab's own server, which asks the catalogue with the person's token. */
export class ServerSource implements ISource {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    /** Language tag of the comments in generated code. */
    private readonly _language: string
  ) {}

  search(query: string, options: { limit?: number; after?: string } = {}): Promise<IDatasetPage> {
    const { limit = 25, after } = options;
    return this._ask('catalogue/datasets', { q: query, limit: String(limit), ...(after ? { after } : {}) });
  }

  count(query: string): Promise<ICount> {
    return this._ask('catalogue/datasets/count', { q: query });
  }

  dataset(id: string): Promise<IDataset> {
    return this._ask(`catalogue/datasets/${encodeURIComponent(id)}`);
  }

  async attached(): Promise<readonly IAttached[]> {
    const { attachments } = await this._ask<{ attachments: IAttached[] }>('attachments');
    return attachments;
  }

  attach(id: string, evenIfIncomplete: boolean): Promise<IAttached> {
    const body = JSON.stringify({ dataset: id, even_if_incomplete: evenIfIncomplete });
    return this._ask('attachments', {}, { method: 'POST', body });
  }

  async detach(id: string): Promise<void> {
    await this._ask(`attachments/${encodeURIComponent(id)}`, {}, { method: 'DELETE' });
  }

  loaderCode(id: string): Promise<ILoaderCode> {
    return this._ask('loader-code', { dataset: id, language: this._language });
  }

  thumbnail(id: string): string {
    return this._url(`catalogue/datasets/${encodeURIComponent(id)}/thumbnail.png`);
  }

  private _url(path: string): string {
    return URLExt.join(this._settings.baseUrl, 'beamtorch', path);
  }

  private async _ask<T>(path: string, query: Record<string, string> = {}, init: RequestInit = {}): Promise<T> {
    const url = this._url(path) + URLExt.objectToQueryString(query);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch (error) {
      throw error instanceof ServerConnection.NetworkError ? UNREACHABLE : Problem.from(error);
    }
    const text = await response.text();
    const document = parsed(text);
    if (!response.ok) {
      throw Problem.of(document) ?? (response.status === 404 ? NOT_LOADED : UNREACHABLE);
    }
    return document as T;
  }
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
