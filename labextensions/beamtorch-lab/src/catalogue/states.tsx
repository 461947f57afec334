import React from 'react';

import { Icon } from '../icons';
import type { Problem } from '../source/problem';
import type { Speech } from '../speech';
import type { IEmptiness } from './model';

/** The shape of a list that is on its way; style.css shows it only after a moment. */
export function Skeleton(): JSX.Element {
  return (
    <ul className="bt-results bt-awaited" aria-hidden="true">
      {[0, 1, 2, 3].map(row => (
        <li className="bt-result" key={row}>
          <span className="bt-choose">
            <span className="bt-thumb bt-skel" />
            <span className="bt-lines">
              <span className="bt-skel" style={{ width: '46%' }} />
              <span className="bt-skel" style={{ width: '72%' }} />
              <span className="bt-skel" style={{ width: '60%' }} />
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

// The catalogue alone understands queries; this only finds a range, to offer the rest without it.
const NAME = String.raw`(?:[^\s:]+:|\b(?:energy|wavelength|temperature|distance|\w+_\w+)\b)\s*`;
const RANGE = new RegExp(String.raw`(?:${NAME})?[-+\d.e]*\s*\.\.\s*[-+\d.e]*\s*[^\s\d]*`, 'i');

interface IEmptyProps {
  emptiness: IEmptiness;
  speech: Speech;
  search: (query: string) => void;
}

/** Says which condition emptied the list, and takes it away. */
export function Empty({ emptiness, speech, search }: IEmptyProps): JSX.Element {
  const { trans } = speech;
  const { query, advice } = emptiness;
  const reason = query
    ? trans.__('No dataset matches “%1”.', query)
    : trans.__('No dataset is open to you yet. Those of your beamtimes appear here by themselves.');
  const words = query.replace(RANGE, ' ').trim();
  return (
    <div className="bt-empty bt-state">
      <Icon name="search" />
      <h3>{reason}</h3>
      {advice && <p>{speech.say(advice)}</p>}
      {query && (
        <div className="bt-actions">
          {words !== query && words && (
            <button type="button" className="bt-btn bt-sm" onClick={() => search(words)}>
              {trans.__('Drop the range')}
            </button>
          )}
          <button type="button" className="bt-btn bt-sm" onClick={() => search('')}>
            {trans.__('Show all datasets')}
          </button>
        </div>
      )}
    </div>
  );
}

interface ITroubleProps {
  problem: Problem;
  speech: Speech;
  again?: () => void;
  /** Further ways out. */
  children?: React.ReactNode;
}

const NOT_HELPED_BY_RETRY = new Set([
  'bad-query',
  'unknown-unit',
  'unknown-parameter',
  'wrong-dimension',
  'catalogue-not-configured',
  'server-half-missing'
]);

/** What went wrong and what now; the rest of the panel goes on. */
export function Trouble({ problem, speech, again, children }: ITroubleProps): JSX.Element {
  const retry = again && !NOT_HELPED_BY_RETRY.has(problem.code);
  return (
    <div className="bt-error bt-notice" role="alert" data-code={problem.code}>
      <Icon name="error" />
      <div>
        <strong>{speech.say(problem.title)}</strong>
        <p>{speech.say(problem.detail)}</p>
        {retry && (
          <button type="button" className="bt-btn bt-sm" onClick={again}>
            {speech.trans.__('Try again')}
          </button>
        )}
        {children}
      </div>
    </div>
  );
}
