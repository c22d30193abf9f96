/** What package.json promises: the Node it runs on, what is published, and that every dependency earns its place. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { name, version } from '../src/version.ts'
import { readStartCommand } from './support/start-command.ts'

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  engines: z.object({ node: z.string() }),
  bin: z.record(z.string(), z.string()),
  files: z.array(z.string()),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
})

/** devDependencies that no import names: what they are here for. */
const usedWithoutImport = new Map([
  ['@biomejs/biome', 'npm run lint'],
  ['@cloudflare/workers-types', 'types of src/hosts/workers and test/workerd'],
  ['@redocly/cli', 'test/http/openapi.test.ts lints the document of the API by it'],
  ['@types/node', 'types of src/hosts/node, src/cli and test'],
  ['kubernetes-types', 'test/deploy/kubernetes.test.ts compiles the manifests by them'],
  ['typescript', 'npm run types, npm run build'],
  ['wrangler', 'bundles and deploys the Worker'],
  ['vite', 'vitest runs on it; pinned, so that its rolldown is one that every platform can install'],
])

/** dependencies of which only files are served. */
const served = new Map([['uplot', 'the charts of the debugger page, read by src/hosts/node/page-files.ts']])

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const manifest = Manifest.parse(JSON.parse(read('package.json')))
const published = textOf('src', 'bin')
const development = textOf('test', 'bench') + read('vitest.config.ts')

it('names the package and version that src/version.ts tells the world', () => {
  expect({ name, version }).toEqual({ name: manifest.name, version: manifest.version })
})

it('asks for the Node that its command asks for', () => {
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(manifest.engines.node) ?? []
  expect(read('bin/here.mjs')).toContain(`major > ${major} || (major === ${major} && minor >= ${minor})`)
  expect(read('bin/here.mjs')).toContain(`any from ${major}.${minor} on`)
})

it('publishes its command, and all the files it names', () => {
  expect(Object.keys(manifest.bin)).toEqual([manifest.name])
  const builtFirst = new Set(['dist'])
  for (const path of [
    ...Object.values(manifest.bin),
    ...manifest.files.filter(file => !builtFirst.has(file)),
  ])
    expect(existsSync(join(root, path)), path).toBe(true)
  expect(manifest.scripts.prepack).toBe('npm run build')
})

it('keeps bin/ free of dependencies: it must start before any Node that could load them is found', () => {
  const imported = [...textOf('bin').matchAll(/(?:from|import) '([^']+)'/g)].map(match => match[1])
  expect(imported.filter(from => !from?.startsWith('node:') && !from?.startsWith('./'))).toEqual([])
})

it('imports every dependency somewhere in src or bin', () => {
  const idle = Object.keys(manifest.dependencies).filter(
    dependency => !served.has(dependency) && !imports(published, dependency),
  )
  expect(idle, 'Remove it, or move it to devDependencies if only tests need it').toEqual([])
})

it('uses every devDependency, or says in this test what it is for', () => {
  const idle = Object.keys(manifest.devDependencies).filter(
    dependency => !usedWithoutImport.has(dependency) && !imports(development, dependency),
  )
  expect(idle, 'Remove it, or list it in usedWithoutImport with the reason').toEqual([])
  const gone = [...usedWithoutImport.keys()].filter(dependency => !(dependency in manifest.devDependencies))
  expect(gone, 'Listed in usedWithoutImport, yet no devDependency').toEqual([])
})

it('[SV171] publishes no launcher that downloads or starts another process', () => {
  const launchers = manifest.files.filter(file => file.startsWith('bin'))
  expect(launchers).not.toContain('bin')
  expect(launchers).toContain(Object.values(manifest.bin)[0])
  const imported = launchers.flatMap(file => [...read(file).matchAll(/(?:from|import) '([^']+)'/g)])
  const files = imported.flatMap(([, from]) => (from?.startsWith('./') ? [join('bin', from)] : []))
  expect(files.filter(file => !launchers.includes(file))).toEqual([])
  expect(imported.map(([, from]) => from)).not.toContain('node:child_process')
})

it('starts the bridge by its command and nothing else', () => {
  expect(readStartCommand(root).script).toBe(join(root, manifest.bin[manifest.name] ?? ''))
})

it('pins every dependency to one exact version', () => {
  const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
  expect(all.filter(([, wanted]) => !/^\d+\.\d+\.\d+(-[\d.a-z]+)?$/.test(wanted))).toEqual([])
})

it('records no download address in the lockfile, so that any registry can serve it', () => {
  const lines = read('package-lock.json').split('\n')
  const remedy =
    'Keep omit-lockfile-registry-resolved=true in .npmrc, then: rm -rf node_modules && npm install'
  expect(
    lines.filter(line => line.includes('"resolved": "http')),
    remedy,
  ).toEqual([])
})

function textOf(...folders: string[]): string {
  return folders
    .filter(folder => existsSync(join(root, folder)))
    .flatMap(folder =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter(file => /\.(ts|mjs)$/.test(file) && !file.includes('node_modules'))
        .map(file => read(join(folder, file))),
    )
    .join('\n')
}

function imports(text: string, dependency: string): boolean {
  const literal = dependency.replace(/[/.-]/g, '\\$&')
  return new RegExp(`(?:from|import)\\s*\\(?\\s*'${literal}(?:/[^']*)?'`).test(text)
}
