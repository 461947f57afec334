import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { torchIcon } from '../icons';
import { ServerSource } from '../source/server';
import { Speech } from '../speech';
import { ICatalogue, IDatasets } from '../tokens';
import { CataloguePanel } from './panel';

const COMMAND = 'beamtorch:open-catalogue';

/** The panel that finds datasets. */
export const catalogue: JupyterFrontEndPlugin<ICatalogue> = {
  id: 'beamtorch-lab:catalogue',
  description: 'Finds datasets in the catalogue.',
  autoStart: true,
  provides: ICatalogue,
  optional: [ITranslator, IDatasets, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    datasets: IDatasets | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): ICatalogue => {
    const speech = new Speech(translator ?? nullTranslator);
    const { trans } = speech;
    const source = new ServerSource(app.serviceManager.serverSettings, speech.language);
    const hub = PageConfig.getOption('hubHost') + PageConfig.getOption('hubPrefix');
    const panel = new CataloguePanel(source, speech, datasets, hub);
    restorer?.add(panel, 'beamtorch-catalogue');
    app.shell.add(panel, 'left', { rank: 150, type: trans.__('Catalogue') });
    app.commands.addCommand(COMMAND, {
      label: trans.__('Catalogue'),
      caption: trans.__('Find a dataset and attach it'),
      icon: torchIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(panel.id)
    });
    palette?.addItem({ command: COMMAND, category: trans.__('Beamtorch') });
    return { command: COMMAND };
  }
};
