import React, { useEffect, useState } from 'react';

import { Icon } from '../icons';
import { Problem } from '../source/problem';
import type { IDataset } from '../source/wire';
import type { Speech } from '../speech';
import type { IDatasets } from '../tokens';
import { IFact, mainFacts, moreFacts } from './facts';
import type { IView } from './model';
import { Trouble } from './states';

interface IDetailProps {
  view: IView;
  speech: Speech;
  datasets: IDatasets | null;
  /** Base of the Hub's pages, empty where there is no Hub. */
  hub: string;
  close: () => void;
}

/** The chosen dataset: what it is, who can read it, and what to do with it. */
export function Detail({ view, speech, datasets, hub, close }: IDetailProps): JSX.Element | null {
  const { trans } = speech;
  const { chosen, detail, detailProblem } = view;
  if (!chosen) {
    return detailProblem ? <Trouble problem={detailProblem} speech={speech} /> : null;
  }
  const attachment = datasets?.attached?.find(one => one.dataset === chosen.id);
  const isAttached = datasets?.attached ? attachment !== undefined : chosen.attached_at !== null;
  return (
    <section className="bt-detail" aria-label={trans.__('Dataset %1', chosen.name)}>
      <header>
        <h3>{chosen.name}</h3>
        {isAttached && (
          <span className="bt-chip bt-ok">
            <Icon name="link" />
            {trans.__('attached')}
          </span>
        )}
        <button type="button" className="bt-btn bt-quiet" aria-label={trans.__('Close')} onClick={close}>
          <Icon name="x" />
        </button>
      </header>
      {chosen.problem && (
        <p className="bt-warning">
          <Icon name="warning" />
          {speech.say(chosen.problem)}
        </p>
      )}
      {detail && <Facts facts={mainFacts(detail, speech)} />}
      {detailProblem && <Trouble problem={detailProblem} speech={speech} />}
      {datasets && <Actions key={chosen.id} {...{ chosen, speech, datasets, isAttached, hub }} />}
      {attachment && (
        <p className="bt-path" onMouseDown={event => datasets?.grab(event.nativeEvent, chosen.id, chosen.name, 'path')}>
          <code title={trans.__('Drag into a cell for the path')}>{attachment.path}</code>
        </p>
      )}
      {detail && <More detail={detail} speech={speech} />}
    </section>
  );
}

interface IActionsProps {
  chosen: NonNullable<IView['chosen']>;
  speech: Speech;
  datasets: IDatasets;
  isAttached: boolean;
  hub: string;
}

function Actions({ chosen, speech, datasets, isAttached, hub }: IActionsProps): JSX.Element {
  const { trans } = speech;
  const { id } = chosen;
  const [busy, setBusy] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [said, setSaid] = useState('');
  useEffect(() => setProblem(null), [isAttached]);

  const act = async (name: string, work: () => Promise<string | void>): Promise<void> => {
    setBusy(name);
    setProblem(null);
    try {
      setSaid((await work()) ?? '');
    } catch (thrown) {
      setProblem(Problem.from(thrown));
    }
    setBusy(null);
  };
  const attach = async (evenIfIncomplete = false): Promise<string> => {
    const { name, path } = await datasets.attach(id, evenIfIncomplete);
    return trans.__('%1 is at %2', name, path);
  };
  const detach = async (): Promise<string> => {
    await datasets.detach(id);
    return trans.__('%1 is detached', chosen.name);
  };
  const copy = async (): Promise<string> => trans.__('Copied: %1', await datasets.copyPath(id));
  const button = (name: string, label: string, work: () => Promise<string | void>, look = ''): JSX.Element => (
    <button
      type="button"
      className={`bt-btn bt-sm ${look}`}
      data-action={name}
      aria-busy={busy === name}
      aria-disabled={busy !== null}
      onClick={() => busy ?? void act(name, work)}
    >
      {label}
    </button>
  );
  return (
    <>
      <div className="bt-actions">
        {!isAttached && button('attach', trans.__('Attach'), attach, 'bt-blue')}
        {button('insert-loader', trans.__('Insert loader'), () => datasets.insertLoader(id), isAttached ? 'bt-blue' : '')}
        {button('insert-path', trans.__('Insert path'), () => datasets.insertPath(id))}
        {button('copy-path', trans.__('Copy path'), copy)}
        {hub && chosen.technique === 'tomography' && chosen.kind !== 'processed' && (
          <a
            className="bt-btn bt-sm"
            data-action="open-in-ct"
            href={`${hub}home?environment=ct&dataset=${encodeURIComponent(id)}`}
            target="_blank"
            rel="noopener"
          >
            {trans.__('Open in CT')}
            <Icon name="external" />
          </a>
        )}
        {isAttached && button('detach', trans.__('Detach'), detach, 'bt-quiet')}
      </div>
      <p className="bt-said" role="status">
        {said}
      </p>
      {problem && (
        <Trouble problem={problem} speech={speech}>
          {problem.code === 'file-gone' && (
            <button type="button" className="bt-btn bt-sm" onClick={() => void act('attach', () => attach(true))}>
              {trans.__('Attach what is there')}
            </button>
          )}
        </Trouble>
      )}
    </>
  );
}

function Facts({ facts }: { facts: readonly IFact[] }): JSX.Element {
  return (
    <dl className="bt-kv">
      {facts.map(({ label, value }) => (
        <React.Fragment key={label}>
          <dt>{label}</dt>
          <dd title={value}>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

function More({ detail, speech }: { detail: IDataset; speech: Speech }): JSX.Element {
  return (
    <details>
      <summary>{speech.trans.__('More facts')}</summary>
      <Facts facts={moreFacts(detail, speech)} />
    </details>
  );
}
