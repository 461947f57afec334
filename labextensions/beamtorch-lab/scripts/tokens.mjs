// Takes tokens, icons and the mark from the one place that has them (facility/…/look/assets) and shapes them for the
// lab: every rule is put below .bt-in-lab, so that nothing of JupyterLab's own look changes, and the rules that follow
// the system's wish are left out, because in the lab the lab's theme decides.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const assets = new URL('../../../facility/beamtorch_facility/look/assets/', import.meta.url);
const here = new URL('../', import.meta.url);
const read = name => readFileSync(new URL(name, assets), 'utf8');

/** Split a style sheet into its top-level rules. */
function rules(css) {
  const bare = css.replace(/\/\*[\s\S]*?\*\//g, '');
  const found = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < bare.length; at++) {
    if (bare[at] === '{') depth++;
    if (bare[at] === '}' && --depth === 0) {
      const [head] = bare.slice(from, at).split('{', 1);
      found.push({ head: head.trim(), body: bare.slice(from + head.length, at + 1).trim() });
      from = at + 1;
    }
  }
  return found;
}

function scoped({ head, body }) {
  if (/prefers-color-scheme|prefers-contrast/.test(head)) return '';
  if (head.startsWith('@')) return `${head} ${body.replaceAll(':root', '.bt-in-lab')}`;
  if (head.includes('.bt-in-lab')) return `${head} ${body}`;
  if (head.startsWith(':root')) return `.bt-in-lab ${body}`;
  if (head === ':lang(zh)') return `.bt-in-lab:lang(zh) ${body}`;
  return '';
}

const tokens = rules(read('tokens.css')).map(scoped).filter(Boolean);
if (!tokens.some(rule => rule.includes('--bt-accent:'))) throw new Error('tokens.css: no light values found');
writeFileSync(new URL('style/tokens.css', here), `/* Made by scripts/tokens.mjs. */\n${tokens.join('\n')}\n`);

const icons = {};
for (const [, name, drawing] of read('icons.js').matchAll(/^ {2}(\w+): '(<.*>)',?$/gm)) icons[name] = drawing;
if (!icons.search) throw new Error('icons.js: no icons found');
const mark = read('mark.svg')
  .trim()
  .replace('<svg', '<svg class="bt-in-lab bt-mark"')
  .replaceAll('stroke="#c2480a"', 'class="bt-torch"')
  .replaceAll('fill="#c2480a"', 'class="bt-beam"')
  .replaceAll('stroke="#7a8593"', 'class="bt-floor"');
mkdirSync(new URL('src/generated/', here), { recursive: true });
writeFileSync(
  new URL('src/generated/look.ts', here),
  `// Made by scripts/tokens.mjs.\nexport const DRAWINGS = ${JSON.stringify(icons, null, 2)} as const;\n` +
    `export const MARK = ${JSON.stringify(mark)};\n`
);
