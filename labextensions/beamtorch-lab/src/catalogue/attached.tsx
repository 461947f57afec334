import React, { useState } from 'react';

import { Icon } from '../icons';
import { Problem } from '../source/problem';
import type { IAttached } from '../source/wire';
import type { Speech } from '../speech';
import type { IDatasets } from '../tokens';
import { Trouble } from './states';

interface IAttachedProps {
  datasets: IDatasets;
  speech: Speech;
  reveal: (id: string) => void;
}

/** What is attached to the home; a broken one says what is wrong with it. */
export function AttachedList({ datasets, speech, reveal }: IAttachedProps): JSX.Element | null {
  const { trans } = speech;
  const [problem, setProblem] = useState<Problem | null>(null);
  const { attached } = datasets;
  if (attached === null) {
    return null;
  }
  const detach = async (id: string): Promise<void> => {
    try {
      await datasets.detach(id);
      setProblem(null);
    } catch (thrown) {
      setProblem(Problem.from(thrown));
    }
  };
  return (
    <section className="bt-attached" aria-labelledby="bt-attached-head">
      <h3 id="bt-attached-head">{trans.__('Attached %1', attached.length)}</h3>
      {problem && <Trouble problem={problem} speech={speech} />}
      {attached.length === 0 && (
        <p className="bt-hint">{trans.__('An attached dataset lies in ~/datasets, as long as you like.')}</p>
      )}
      <ul>
        {attached.map(one => (
          <Row
            key={one.dataset}
            one={one}
            speech={speech}
            reveal={() => reveal(one.dataset)}
            detach={() => void detach(one.dataset)}
            grab={event => datasets.grab(event, one.dataset, one.path, 'path')}
          />
        ))}
      </ul>
    </section>
  );
}

interface IRowProps {
  one: IAttached;
  speech: Speech;
  reveal: () => void;
  detach: () => void;
  grab: (event: MouseEvent) => void;
}

function Row({ one, speech, reveal, detach, grab }: IRowProps): JSX.Element {
  const { trans } = speech;
  const words = one.problem && speech.say(one.problem);
  return (
    <li data-attached={one.dataset} data-broken={one.problem !== null}>
      <button
        type="button"
        className="bt-choose"
        title={words ?? trans.__('Drag into a cell for the path')}
        onClick={reveal}
        onMouseDown={event => grab(event.nativeEvent)}
      >
        <Icon name={one.problem ? 'warning' : 'ok'} />
        <span className="bt-lines">
          <span className="bt-name">{one.name}</span>
          {words ? <span className="bt-why">{words}</span> : <code>{one.path}</code>}
        </span>
      </button>
      <button type="button" className="bt-btn bt-quiet" aria-label={trans.__('Detach %1', one.name)} onClick={detach}>
        <Icon name="x" />
      </button>
    </li>
  );
}
