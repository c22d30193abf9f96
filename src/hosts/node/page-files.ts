/** The files of the debugger page, read once at the start: what is not among them then cannot be asked for. */
import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page, PageFile } from '../../runtime.ts'

/** What else lies in the folder (a tsconfig) is not for the browser. */
const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** In src as in dist. */
const folder = fileURLToPath(new URL('../../debugger', import.meta.url))
/** The page's one dependency: served from its package, so that no copy of ours can grow old. */
const vendored = ['uPlot.esm.js', 'uPlot.min.css']

/** Every file by its name in the page, and where it is. */
export function listPage(): ReadonlyMap<string, string> {
  const require = createRequire(import.meta.url)
  const own = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    name => extname(name) in types,
  )
  return new Map([
    ...own.map((name): [string, string] => [name.replaceAll(sep, '/'), join(folder, name)]),
    ...vendored.map((name): [string, string] => [`vendor/${name}`, require.resolve(`uplot/dist/${name}`)]),
  ])
}

export function readPage(): Page {
  const files = new Map<string, PageFile>()
  for (const [name, path] of listPage()) {
    const body = readFileSync(path)
    const etag = `"${hash('sha256', body, 'base64url').slice(0, 22)}"`
    files.set(name, { type: types[extname(name)] ?? '', etag, body })
  }
  return name => files.get(name)
}
