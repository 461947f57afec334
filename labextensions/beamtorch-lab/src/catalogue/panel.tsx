import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React, { useRef } from 'react';

import { Icon, torchIcon } from '../icons';
import type { ISource } from '../source/source';
import type { Speech } from '../speech';
import type { IDatasets } from '../tokens';
import { AttachedList } from './attached';
import { Detail } from './detail';
import { CatalogueModel } from './model';
import { Results } from './results';
import { Search } from './search';
import { Empty, Skeleton, Trouble } from './states';

/** The catalogue in the side bar. */
export class CataloguePanel extends ReactWidget {
  readonly model: CatalogueModel;

  constructor(
    private readonly _source: ISource,
    private readonly _speech: Speech,
    private readonly _datasets: IDatasets | null,
    private readonly _hub: string
  ) {
    super();
    this.model = new CatalogueModel(_source);
    this.id = 'beamtorch-catalogue';
    this.title.icon = torchIcon;
    this.title.caption = _speech.trans.__('Catalogue');
    this.node.setAttribute('aria-label', _speech.trans.__('Catalogue'));
    this.node.setAttribute('role', 'region');
    this.addClass('bt-in-lab');
    this.addClass('bt-catalogue');
    this.model.changed.connect((_, { chosen }) => {
      if (_datasets && _datasets.current !== chosen) {
        _datasets.current = chosen;
      }
    });
  }

  /** Search again, and read again what is attached. */
  refresh(): void {
    void this.model.search();
    // A list that cannot be read now keeps what it had; the search says why.
    this._datasets?.refresh().catch(() => undefined);
  }

  /** Put the cursor into the search box. */
  focusSearch(): void {
    this.node.querySelector<HTMLInputElement>('input[type=search]')?.focus();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.refresh();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.focusSearch();
  }

  protected override render(): JSX.Element {
    return (
      <Panel
        model={this.model}
        source={this._source}
        speech={this._speech}
        datasets={this._datasets}
        hub={this._hub}
        refresh={() => this.refresh()}
      />
    );
  }
}

interface IPanelProps {
  model: CatalogueModel;
  source: ISource;
  speech: Speech;
  datasets: IDatasets | null;
  hub: string;
  refresh: () => void;
}

function Panel({ datasets, ...rest }: IPanelProps): JSX.Element {
  const content = (): JSX.Element => (
    <UseSignal signal={rest.model.changed}>{() => <Content datasets={datasets} {...rest} />}</UseSignal>
  );
  return datasets ? <UseSignal signal={datasets.changed}>{content}</UseSignal> : content();
}

function Content({ model, source, speech, datasets, hub, refresh }: IPanelProps): JSX.Element {
  const { trans } = speech;
  const view = model.view;
  const root = useRef<HTMLDivElement>(null);
  const focus = (selector: string): void => root.current?.querySelector<HTMLElement>(selector)?.focus();
  return (
    <div className="bt-panel" ref={root}>
      <div className="bt-head">
        <h2>{trans.__('Catalogue')}</h2>
        <button type="button" className="bt-btn bt-quiet" aria-label={trans.__('Refresh')} onClick={refresh}>
          <Icon name="stale" />
        </button>
      </div>
      <Search {...{ model, view, speech }} enterList={() => focus('.bt-results .bt-choose[tabindex="0"]')} />
      <div className="bt-scroll">
        {view.problem && <Trouble problem={view.problem} speech={speech} again={() => void model.search()} />}
        {view.results === null && view.busy && <Skeleton />}
        {view.emptiness && !view.problem && (
          <Empty emptiness={view.emptiness} speech={speech} search={query => void model.search(query)} />
        )}
        <Results
          {...{ model, view, speech, datasets }}
          thumbnail={id => source.thumbnail(id)}
          leaveList={() => focus('input[type=search]')}
        />
      </div>
      <Detail {...{ view, speech, datasets, hub }} close={() => void model.choose(null)} />
      {datasets && <AttachedList {...{ datasets, speech }} reveal={id => void model.reveal(id)} />}
    </div>
  );
}
