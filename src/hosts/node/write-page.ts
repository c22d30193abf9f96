/** `npm run assets`: the files of the debugger page in one folder, as wrangler uploads them. wrangler runs it by itself. */
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { listPage } from './page-files.ts'

/** As wrangler.toml has it. */
const folder = '.wrangler/assets'

const files = listPage()
for (const [name, from] of files) {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  copyFileSync(from, join(folder, name))
}
// What the page has no more. Never the whole folder: a Worker that runs here may be reading from it.
for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
  const path = join(folder, name)
  if (statSync(path).isFile() && !files.has(name.replaceAll(sep, '/'))) rmSync(path)
}
