import React, { useState } from 'react';

import { Icon } from '../icons';
import type { IDatasetSummary } from '../source/wire';
import type { Speech } from '../speech';
import type { IDatasets } from '../tokens';
import type { CatalogueModel, IView } from './model';

interface IResultsProps {
  model: CatalogueModel;
  view: IView;
  speech: Speech;
  datasets: IDatasets | null;
  thumbnail: (id: string) => string;
  /** Move the focus back into the box. */
  leaveList: () => void;
}

/** The list of results; arrows walk through it. */
export function Results({ model, view, speech, datasets, thumbnail, leaveList }: IResultsProps): JSX.Element {
  const { trans } = speech;
  const results = view.results ?? [];
  const reachable = results.some(one => one.id === view.chosen?.id) ? view.chosen?.id : results[0]?.id;
  return (
    <>
      <ul
        className="bt-results"
        aria-label={trans.__('Datasets')}
        aria-busy={view.busy}
        onKeyDown={event => walk(event, leaveList)}
      >
        {results.map(dataset => (
          <Result
            key={dataset.id}
            dataset={dataset}
            speech={speech}
            picture={thumbnail(dataset.id)}
            isChosen={dataset.id === view.chosen?.id}
            isReachable={dataset.id === reachable}
            isAttached={datasets?.attached?.some(one => one.dataset === dataset.id) ?? dataset.attached_at !== null}
            choose={() => void model.choose(dataset)}
            grab={event => datasets?.grab(event, dataset.id, dataset.name, event.altKey ? 'path' : 'cell')}
          />
        ))}
      </ul>
      {view.next && (
        <button type="button" className="bt-btn bt-more" disabled={view.busy} onClick={() => void model.more()}>
          {trans.__('Show more')}
        </button>
      )}
    </>
  );
}

interface IResultProps {
  dataset: IDatasetSummary;
  speech: Speech;
  picture: string;
  isChosen: boolean;
  isReachable: boolean;
  isAttached: boolean;
  choose: () => void;
  grab: (event: MouseEvent) => void;
}

function Result(props: IResultProps): JSX.Element {
  const { dataset, speech } = props;
  const { trans } = speech;
  const sample = dataset.sample_description ? speech.say(dataset.sample_description) : dataset.technique;
  return (
    <li className="bt-result" data-dataset={dataset.id} data-chosen={props.isChosen}>
      <button
        type="button"
        className="bt-choose"
        aria-current={props.isChosen}
        tabIndex={props.isReachable ? 0 : -1}
        title={trans.__('Drag into a notebook for a cell; with Alt for the path')}
        onClick={props.choose}
        onMouseDown={event => props.grab(event.nativeEvent)}
      >
        <Thumbnail address={props.picture} kind={dataset.technique} />
        <span className="bt-lines">
          <span className="bt-name">{dataset.name}</span>
          <span className="bt-sample">{sample}</span>
          <span className="bt-facts">{speech.facts(dataset)}</span>
        </span>
        {dataset.state !== 'complete' && (
          <span className="bt-mark-bad" title={dataset.problem ? speech.say(dataset.problem) : undefined}>
            <Icon name="warning" />
            <span className="bt-sr">
              {dataset.state === 'missing' ? trans.__('files are missing') : trans.__('damaged')}
            </span>
          </span>
        )}
        {props.isAttached && (
          <span className="bt-mark-attached" title={trans.__('attached')}>
            <Icon name="link" />
            <span className="bt-sr">{trans.__('attached')}</span>
          </span>
        )}
      </button>
    </li>
  );
}

function Thumbnail({ address, kind }: { address: string; kind: string }): JSX.Element {
  const [failed, setFailed] = useState(false);
  const icon = kind === 'tomography' ? 'ct' : kind === 'total scattering' ? 'pdf' : kind.includes('cryst') ? 'mx' : 'data';
  return (
    <span className="bt-thumb">
      {failed ? (
        <Icon name={icon} />
      ) : (
        <img src={address} alt="" loading="lazy" draggable={false} onError={() => setFailed(true)} />
      )}
    </span>
  );
}

function walk(event: React.KeyboardEvent<HTMLUListElement>, leave: () => void): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('.bt-choose')];
  const here = rows.indexOf(document.activeElement as HTMLButtonElement);
  const there = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (there === undefined || here < 0) {
    return;
  }
  event.preventDefault();
  if (there < 0) {
    leave();
  }
  rows[there]?.focus();
}
