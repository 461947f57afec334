import { catalogue } from './catalogue/plugin';
import { datasets } from './datasets/plugin';
import { launcher } from './launcher/plugin';

export default [datasets, catalogue, launcher];
