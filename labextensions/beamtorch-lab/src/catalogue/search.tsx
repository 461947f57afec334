import React from 'react';

import { Icon } from '../icons';
import type { Speech } from '../speech';
import type { CatalogueModel, IView } from './model';

interface ISearchProps {
  model: CatalogueModel;
  view: IView;
  speech: Speech;
  /** Move the focus into the list. */
  enterList: () => void;
}

/** The box with the query, and the count of what it finds. */
export function Search({ model, view, speech, enterList }: ISearchProps): JSX.Element {
  const { trans } = speech;
  return (
    <>
      <form
        className="bt-search"
        role="search"
        onSubmit={event => {
          event.preventDefault();
          void model.search();
        }}
      >
        <div className="bt-input">
          <Icon name="search" />
          <input
            type="search"
            value={view.query}
            aria-label={trans.__('Search datasets')}
            aria-describedby="bt-search-hint"
            placeholder={trans.__('sample, name, 24..26 keV')}
            autoComplete="off"
            spellCheck={false}
            onChange={event => model.type(event.target.value)}
            onKeyDown={event => {
              if (event.key === 'ArrowDown') {
                event.preventDefault();
                enterList();
              } else if (event.key === 'Escape' && view.query) {
                event.preventDefault();
                void model.search('');
              }
            }}
          />
        </div>
        <p id="bt-search-hint" className="bt-hint">
          {trans.__('Words that all must match, and a range if you like: energy 24..26 keV')}
        </p>
      </form>
      <div className="bt-count">
        <span role="status" aria-live="polite">
          {view.results && !view.problem ? counted(view, speech) : ''}
        </span>
        {view.results?.length ? <span>{trans.__('newest first')}</span> : null}
      </div>
    </>
  );
}

function counted({ total, isCapped }: IView, { trans, number }: Speech): string {
  return trans._n('%2 dataset', '%2 datasets', total, number(total) + (isCapped ? '+' : ''));
}
