/** The shape of src/: which folder may import which, what the core may not know, how long a file may be. */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix, sep } from 'node:path'
import { type ESTree, parseSync, Visitor } from 'rolldown/utils'
import { describe, expect, it } from 'vitest'

/** From the top down; a file imports from rows below its own. `apart`: the members of a row do not know each other. */
const rows = [
  { members: ['cli'] },
  { members: ['hosts/node', 'hosts/workers'], apart: true },
  { members: ['http'] },
  {
    members: [
      'bridge',
      'carrier',
      'carry',
      'dead-letters',
      'depot',
      'desk',
      'pulse',
      'resend',
      'status',
      'status-lines',
      'storage-faults',
      'summary',
    ],
  },
  { members: ['ingest', 'outbox', 'send'], apart: true },
  {
    members: [
      ...['address', 'base64', 'config', 'event', 'exact-numbers', 'families', 'faults', 'fnv1a', 'meters'],
      ...['misspelt', 'observation', 'outbox-reasons', 'outcomes', 'ports', 'quality', 'quality-meters'],
      ...['reasons', 'sqlite-errors', 'version'],
    ],
  },
]
const path = rows.map(row => row.members.join(row.apart ? ' | ' : ', ')).join(' → ')
const MAX_LINES = 300

const root = join(import.meta.dirname, '../src')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => ({ name: name.split(sep).join('/'), text: readFileSync(join(root, name), 'utf8') }))
  .map(file => ({
    ...file,
    lines: file.text.split('\n').length - 1,
    parsed: parseSync(file.name, file.text),
  }))
const core = files.filter(file => !/^(hosts|cli)\//.test(file.name))

describe('the shape of src', () => {
  it('[LY1] imports go one way: cli, hosts → http → bridge → ingest | outbox | send → families, reasons, ports, config', () => {
    const wrong = files.flatMap(file =>
      importsOf(file)
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from, typeOnly }) => ({ to: posix.join(posix.dirname(file.name), from), typeOnly }))
        .filter(({ to, typeOnly }) => !mayImport(file.name, to, typeOnly))
        .map(({ to }) => `src/${file.name} imports src/${to}`),
    )
    const remedy =
      'Move what both need into a lower row, or take it as an argument and let the caller hand it in'
    expect(wrong, `Imports go down one way, ${path}. ${remedy} (types alone may go sideways).`).toEqual([])
  })

  it('[LY1] every file of src has its place in the order', () => {
    const lost = files.filter(file => rowOf(file.name) === -1).map(file => `src/${file.name}`)
    expect(lost, `Give it a place in the rows of test/imports.test.ts, now ${path}`).toEqual([])
  })

  it('[LY2] the core imports no module of Node and names none of its globals', () => {
    const builtin = ({ from }: Import) => from.startsWith('node:') || builtinModules.includes(from)
    const wrong = core.flatMap(file => [
      ...importsOf(file)
        .filter(builtin)
        .map(({ from }) => `src/${file.name} imports ${from}`),
      ...hostNamesIn(file.parsed.program).map(name => `src/${file.name} names ${name}`),
    ])
    const remedy = 'Say in src/runtime.ts what is needed, and bring it in src/hosts/node and src/hosts/workers'
    expect(
      wrong,
      `The core knows no host. ${remedy}; bytes are Uint8Array, settings come by argument.`,
    ).toEqual([])
  })

  it('[LY3] no file of src is over 300 lines', () => {
    const sorted = files.map(file => file.lines).sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]
    const long = files.filter(file => file.lines > MAX_LINES).map(file => `src/${file.name}: ${file.lines}`)
    const measured = `${files.length} files, median ${at(0.5)} lines, nine in ten up to ${at(0.9)}`
    expect(long, `Split by what a reader looks for (${measured})`).toEqual([])
  })
})

type Import = { readonly from: string; readonly typeOnly: boolean }

/** Static, dynamic and re-exporting imports of a file. */
function importsOf({ text, parsed }: (typeof files)[number]): Import[] {
  const { staticImports, staticExports, dynamicImports } = parsed.module
  return [
    ...staticImports.map(({ moduleRequest, entries }) => ({
      from: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every(entry => entry.isType),
    })),
    ...staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? [{ from: moduleRequest.value, typeOnly: isType }] : [],
      ),
    ),
    ...dynamicImports.map(({ moduleRequest: { start, end } }) => ({
      from: text.slice(start + 1, end - 1),
      typeOnly: false,
    })),
  ]
}

function memberOf(file: string): string {
  const [first = '', second] = file.replace(/\.ts$/, '').split('/')
  return first === 'hosts' ? `${first}/${second}` : first
}

function rowOf(file: string): number {
  return rows.findIndex(row => row.members.includes(memberOf(file)))
}

function mayImport(file: string, to: string, typeOnly: boolean): boolean {
  const [own, other] = [rowOf(file), rowOf(to)]
  if (memberOf(file) === memberOf(to) || other > own) return true
  // The outbox's port speaks of a failure that the sending stations define: a type leaves nothing behind at run time.
  if (typeOnly && memberOf(file) === 'ports') return true
  return own === other && (typeOnly || !rows[own]?.apart)
}

function hostNamesIn(program: ESTree.Program): string[] {
  const hostNames = new Set(['process', 'Buffer', '__dirname', '__filename', 'require', 'setImmediate'])
  const found: string[] = []
  const mere = new Set<unknown>()
  const keyIsMere = (node: { computed: boolean; key: unknown }) => node.computed || mere.add(node.key)
  new Visitor({
    MemberExpression(node) {
      const ofGlobal = node.object.type === 'Identifier' && node.object.name === 'globalThis'
      if (!node.computed && !ofGlobal) mere.add(node.property)
    },
    Property: keyIsMere,
    PropertyDefinition: keyIsMere,
    MethodDefinition: keyIsMere,
    TSPropertySignature: keyIsMere,
    TSMethodSignature: keyIsMere,
    Identifier(node) {
      if (hostNames.has(node.name) && !mere.has(node)) found.push(node.name)
    },
  }).visit(program)
  return found
}
