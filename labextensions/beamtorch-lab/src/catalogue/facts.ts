import type { Speech } from '../speech';
import type { IDataset, IQuantity } from '../source/wire';

export interface IFact {
  readonly label: string;
  readonly value: string;
}

/** Numbers that say most about a measurement; the others follow under “More facts”. */
const MAIN = ['energy', 'pixel_size', 'temperature'];
const IN_SCAN = ['projections', 'angle_start', 'angle_stop'];

/** What the detail shows at once, most telling first. */
export function mainFacts(dataset: IDataset, speech: Speech): IFact[] {
  const { trans } = speech;
  const facts: (IFact | null)[] = [
    dataset.sample_description && { label: trans.__('Sample'), value: speech.say(dataset.sample_description) },
    dataset.measured_at ? { label: trans.__('Measured'), value: measured(dataset, speech) } : null,
    scan(dataset, speech),
    ...known(dataset, speech),
    { label: trans.__('Files'), value: files(dataset, speech) },
    { label: trans.__('Who can read'), value: speech.list(dataset.readers.map(who => speech.say(who))) }
  ];
  return facts.filter(fact => fact !== null);
}

/** All else that the catalogue knows. */
export function moreFacts(dataset: IDataset, speech: Speech): IFact[] {
  const { trans } = speech;
  const shown = new Set([...MAIN, ...IN_SCAN]);
  const labels = namesOf(speech);
  const facts: IFact[] = [
    { label: trans.__('Proposal'), value: `${dataset.proposal} · ${speech.say(dataset.proposal_title)}` },
    { label: trans.__('Beamtime'), value: dataset.beamtime },
    { label: trans.__('Technique'), value: dataset.technique },
    { label: trans.__('Made with'), value: dataset.software ?? '' },
    { label: trans.__('Folder'), value: dataset.folder }
  ];
  for (const [name, value] of Object.entries(dataset.parameters)) {
    if (!shown.has(name)) {
      facts.push({ label: labels[name] ?? name.replaceAll('_', ' '), value: text(value, speech) });
    }
  }
  return facts.filter(fact => fact.value !== '');
}

function measured(dataset: IDataset, speech: Speech): string {
  return `${speech.when(dataset.measured_at!)} · ${speech.say(dataset.beamline_name)}`;
}

function scan(dataset: IDataset, speech: Speech): IFact | null {
  const { projections, angle_start: start, angle_stop: stop } = dataset.parameters;
  if (!isQuantity(projections)) {
    return null;
  }
  const count = speech.trans.__('%1 projections', speech.number(projections.value));
  const angles = isQuantity(start) && isQuantity(stop);
  // A dash right before a minus reads as neither.
  const dash = angles && stop.value < 0 ? ' – ' : '–';
  const range = angles ? ` · ${speech.number(start.value)}${dash}${speech.quantity(stop)}` : '';
  return { label: speech.trans.__('Scan'), value: count + range };
}

function namesOf({ trans }: Speech): Record<string, string> {
  return {
    energy: trans.__('Energy'),
    pixel_size: trans.__('Pixel'),
    exposure_time: trans.__('Exposure'),
    temperature: trans.__('Temperature'),
    wavelength: trans.__('Wavelength'),
    distance: trans.__('Distance'),
    flats: trans.__('Flats'),
    darks: trans.__('Darks')
  };
}

function known(dataset: IDataset, speech: Speech): IFact[] {
  const labels = namesOf(speech);
  return MAIN.flatMap(name => {
    const value = dataset.parameters[name];
    const label = labels[name];
    return label && value !== undefined ? [{ label, value: text(value, speech) }] : [];
  });
}

function files(dataset: IDataset, speech: Speech): string {
  const count = speech.trans._n('%2 file', '%2 files', dataset.file_count, dataset.file_count);
  const format = dataset.files.find(file => file.format)?.format;
  return [count, speech.size(dataset.size), format].filter(Boolean).join(' · ');
}

function isQuantity(value: IQuantity | string | undefined): value is IQuantity {
  return typeof value === 'object';
}

function text(value: IQuantity | string, speech: Speech): string {
  return isQuantity(value) ? speech.quantity(value) : value;
}
