import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import type { IDatasetSummary, IQuantity, IWords } from './source/wire';

const DAY = 86_400_000;

/** How units are written; the pages of the catalogue write them alike. */
const UNITS: Readonly<Record<string, string>> = {
  um: 'µm',
  degC: '°C',
  angstrom: 'Å',
  deg: '°',
  degree: '°',
  degrees: '°'
};

/** Speaks the lab's language: our own texts, the server's sentences, numbers and times. */
export class Speech {
  readonly trans: TranslationBundle;
  /** Language tag, e.g. `en` or `zh-CN`. */
  readonly language: string;
  private readonly _chinese: boolean;

  constructor(translator: ITranslator) {
    this.trans = translator.load('beamtorch_lab');
    const code = translator.languageCode.replace('_', '-');
    this._chinese = code.toLowerCase().startsWith('zh');
    this.language = this._chinese ? 'zh-CN' : 'en';
  }

  /** A sentence of the server. */
  say(words: IWords): string {
    return this._chinese ? words.zh : words.en;
  }

  /** Several facts in one line. */
  list(parts: readonly string[]): string {
    return parts.join(this._chinese ? '、' : ', ');
  }

  number(value: number): string {
    const digits = Number(value.toPrecision(6));
    const whole = Number.isInteger(digits);
    const text = digits.toLocaleString('en', { useGrouping: whole, maximumFractionDigits: 12 });
    return text.replace('-', '−');
  }

  quantity({ value, unit }: IQuantity): string {
    const written = UNITS[unit] ?? unit;
    return this.number(value) + (written === '°' || written === '' ? '' : ' ') + written;
  }

  size(bytes: number): string {
    const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
    let value = bytes;
    let step = 0;
    while (value >= 999.5 && step < units.length - 1) {
      value /= 1000;
      step++;
    }
    return `${value.toFixed(step && value < 99.95 ? 1 : 0)} ${units[step]}`;
  }

  /** When something was measured, as near as it is to today. */
  when(iso: string, now = new Date()): string {
    const time = new Date(iso);
    const clock = time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
    const age = midnight - time.getTime();
    if (age <= 0 && age > -DAY) {
      return this.trans.__('Today %1', clock);
    }
    if (age > 0 && age <= DAY) {
      return this.trans.__('Yesterday %1', clock);
    }
    const year = time.getFullYear() === now.getFullYear() ? '' : String(time.getFullYear());
    if (this._chinese) {
      return `${year ? `${year} 年 ` : ''}${time.getMonth() + 1} 月 ${time.getDate()} 日`;
    }
    const day = time.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
    return year ? `${day.replace(/^\w+,? /, '')} ${year}` : day.replace(',', '');
  }

  /** The third line of a result: when, how, how large. */
  facts(dataset: IDatasetSummary): string {
    const made = dataset.kind === 'raw' ? null : this.kind(dataset.kind);
    const parts = [
      dataset.measured_at && this.when(dataset.measured_at),
      made,
      dataset.energy && this.quantity(dataset.energy),
      this.size(dataset.size)
    ];
    return parts.filter(Boolean).join(' · ');
  }

  kind(kind: IDatasetSummary['kind']): string {
    const { trans } = this;
    switch (kind) {
      case 'raw':
        return trans.__('raw');
      case 'processed':
        return trans.__('processed');
      case 'simulated':
        return trans.__('simulated');
      case 'calibration':
        return trans.__('calibration');
    }
  }
}
