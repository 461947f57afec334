import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { DRAWINGS, MARK } from './generated/look';

export const torchIcon = new LabIcon({ name: 'beamtorch:torch', svgstr: MARK });

/** An icon of the look; it says nothing to a screen reader, the words beside it do. */
export function Icon({ name }: { name: keyof typeof DRAWINGS }): JSX.Element {
  const drawing = { __html: DRAWINGS[name] };
  return <svg className="bt-icon" viewBox="0 0 24 24" aria-hidden="true" dangerouslySetInnerHTML={drawing} />;
}
