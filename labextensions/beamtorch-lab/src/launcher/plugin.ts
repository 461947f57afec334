import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { ICatalogue } from '../tokens';

/** A section of our own in the launcher, above the notebooks. */
export const launcher: JupyterFrontEndPlugin<void> = {
  id: 'beamtorch-lab:launcher',
  description: 'Adds a Beamtorch section to the launcher.',
  autoStart: true,
  optional: [ILauncher, ICatalogue, ITranslator],
  activate: (
    _app: JupyterFrontEnd,
    launcher: ILauncher | null,
    catalogue: ICatalogue | null,
    translator: ITranslator | null
  ) => {
    if (!launcher || !catalogue) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('beamtorch_lab');
    launcher.add({ command: catalogue.command, category: trans.__('Beamtorch'), categoryRank: -10, rank: 0 });
  }
};
