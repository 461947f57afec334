import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Problem } from '../source/problem';
import { ServerSource } from '../source/server';
import { Speech } from '../speech';
import { IDatasets } from '../tokens';
import { Datasets } from './datasets';
import { NotebookHand } from './notebook';

/** Attaching datasets and using them in notebooks: commands, palette and drag. */
export const datasets: JupyterFrontEndPlugin<IDatasets> = {
  id: 'beamtorch-lab:datasets',
  description: 'Attaches datasets and brings them into notebooks.',
  autoStart: true,
  provides: IDatasets,
  optional: [ITranslator, INotebookTracker, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    tracker: INotebookTracker | null,
    palette: ICommandPalette | null
  ): IDatasets => {
    const speech = new Speech(translator ?? nullTranslator);
    const source = new ServerSource(app.serviceManager.serverSettings, speech.language);
    const datasets = new Datasets(source, new NotebookHand(app, tracker));
    addCommands(app, datasets, speech, palette);
    return datasets;
  }
};

function addCommands(app: JupyterFrontEnd, datasets: Datasets, speech: Speech, palette: ICommandPalette | null): void {
  const { trans } = speech;
  const category = trans.__('Beamtorch');
  const add = (command: string, label: string, caption: string, work: (id: string) => Promise<unknown>): void => {
    app.commands.addCommand(command, {
      label,
      caption,
      describedBy: { args: { type: 'object', properties: { dataset: { type: 'string' } } } },
      isEnabled: args => typeof args['dataset'] === 'string' || datasets.current !== null,
      execute: async args => {
        const id = (args['dataset'] as string | undefined) ?? datasets.current?.id;
        try {
          return id && (await work(id));
        } catch (thrown) {
          Notification.error(speech.say(Problem.from(thrown).detail), { autoClose: false });
          return undefined;
        }
      }
    });
    palette?.addItem({ command, category });
    datasets.changed.connect(() => app.commands.notifyCommandChanged(command));
  };
  add(
    'beamtorch:attach-dataset',
    trans.__('Attach the Chosen Dataset'),
    trans.__('Link the dataset chosen in the catalogue into the home folder'),
    async id => {
      const { name, path } = await datasets.attach(id);
      Notification.info(trans.__('%1 is at %2', name, path));
    }
  );
  add(
    'beamtorch:insert-loader',
    trans.__('Insert Loader of the Chosen Dataset'),
    trans.__('Add a cell that reads the dataset chosen in the catalogue'),
    id => datasets.insertLoader(id)
  );
  add(
    'beamtorch:insert-path',
    trans.__('Insert Path of the Chosen Dataset'),
    trans.__('Write the path of the dataset chosen in the catalogue at the cursor'),
    id => datasets.insertPath(id)
  );
}
