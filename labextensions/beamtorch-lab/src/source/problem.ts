import type { IProblemDocument, IWords } from './wire';

/** Something that did not work, in words for the person. */
export class Problem extends Error {
  constructor(
    /** Stable name, e.g. `unknown-unit`. */
    readonly code: string,
    readonly title: IWords,
    readonly detail: IWords
  ) {
    super(detail.en);
  }

  /** Read a problem document; a document without words says nothing and is none. */
  static of(document: unknown): Problem | null {
    const problem = document as IProblemDocument | null;
    if (!problem?.detail) {
      return null;
    }
    const code = problem.type?.split(':').pop() ?? 'unknown';
    const title = problem.title ?? 'That did not work';
    return new Problem(
      code,
      { en: title, zh: problem.title_zh ?? '操作未完成' },
      { en: problem.detail, zh: problem.detail_zh ?? problem.detail }
    );
  }

  /** Whatever was thrown, as a problem. */
  static from(thrown: unknown): Problem {
    if (thrown instanceof Problem) {
      return thrown;
    }
    console.error(thrown);
    return new Problem(
      'unexpected',
      { en: 'That did not work', zh: '操作未完成' },
      { en: `${thrown}. Reload the page and try again.`, zh: `${thrown}。请重新加载页面后重试。` }
    );
  }
}

export const UNREACHABLE = new Problem(
  'server-unreachable',
  { en: 'The lab does not answer', zh: '实验室没有响应' },
  {
    en: 'The lab’s server cannot be reached. If it has ended, start it again from the start page.',
    zh: '无法连接实验室服务器。如其已结束，请从启动页重新启动。'
  }
);

export const NOT_LOADED = new Problem(
  'server-half-missing',
  { en: 'The catalogue is not set up here', zh: '此处未设置数据目录' },
  {
    en: 'This lab’s server runs without the Beamtorch extension. Tell the people who run the facility.',
    zh: '本实验室服务器未加载 Beamtorch 扩展，请告知平台管理员。'
  }
);
