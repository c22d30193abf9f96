/** The shape of src/: which folder may import which, no circles, what the core may not know, how long a file may be. */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix, sep } from 'node:path'
import { type ESTree, parseSync, Visitor } from 'rolldown/utils'
import { describe, expect, it } from 'vitest'

/** From the top down; a file imports from rows below its own, and from its own folder. Members of one row do not know each other. */
const rows = [
  ['cli', 'library'],
  ['hosts/node', 'hosts/workers'],
  ['http'],
  ['bridge'],
  ['admin'],
  ['ingest', 'proxy', 'send'],
  ['alerts'],
  ['outbox'],
  ['stats'],
  ['event'],
  ['config'],
  ['families'],
  ['reasons', 'runtime', 'version'],
]
const order = rows.map(row => row.join(' | ')).join(' → ')
const MAX_LINES = 300
const MAX_ROOT_FILES = 6

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
const imports = new Map(files.map(file => [file.name, ownImportsOf(file)]))

describe('the shape of src', () => {
  it(`[LY1] imports go one way, types included: ${order}`, () => {
    const wrong = [...imports].flatMap(([name, targets]) =>
      targets.filter(to => !mayImport(name, to)).map(to => `src/${name} imports src/${to}`),
    )
    const remedy =
      'Move what both need into a lower row, or take it as an argument and let the caller hand it in'
    expect(wrong, `Imports go down one way, ${order}. ${remedy}.`).toEqual([])
  })

  it('[LY1] every file of src has its place in the order', () => {
    const lost = files.filter(file => rowOf(file.name) === -1).map(file => `src/${file.name}`)
    expect(lost, `Give it a place in the rows of test/imports.test.ts, now ${order}`).toEqual([])
  })

  it('[LY1] CONTRIBUTING.md prints that order', () => {
    const text = readFileSync(join(root, '../CONTRIBUTING.md'), 'utf8')
    const [, printed] = /<!-- imports -->\n([\s\S]*?)<!-- \/imports -->/.exec(text) ?? []
    expect(printed).toBe(`\n    ${order.replaceAll(' → ', '\n    → ')}\n\n`)
  })

  it('[LY120] behind a port: only who opens a store knows which one, only the list of destinations which ones', () => {
    const opens = (name: string) => /^(hosts|cli|outbox)\//.test(name)
    const wrong = [...imports].flatMap(([name, targets]) =>
      targets
        .filter(
          to =>
            (to.startsWith('outbox/sqlite/') && !opens(name)) ||
            (to.startsWith('send/segment/') && !mayKnowSegment(name, to)) ||
            (to.startsWith('send/files/') && !mayKnowFiles(name)),
        )
        .map(to => `src/${name} imports src/${to}`),
    )
    expect(wrong, 'Ask for it in src/outbox/store.ts or src/send/destination.ts').toEqual([])
  })

  it('[LY4] no file is in a circle of imports, types included', () => {
    expect(circles(), 'Move what both need into a third file').toEqual([])
  })

  it(`[LY5] at most ${MAX_ROOT_FILES} files stand at the root of src`, () => {
    const atRoot = files.map(file => file.name).filter(name => !name.includes('/'))
    expect(
      atRoot.length,
      `${atRoot.join(', ')}: give each a folder that says what it is for`,
    ).toBeLessThanOrEqual(MAX_ROOT_FILES)
  })

  it('[LY2] the core imports no module of Node and names none of its globals', () => {
    const builtin = (from: string) => from.startsWith('node:') || builtinModules.includes(from)
    const wrong = core.flatMap(file => [
      ...importsOf(file)
        .filter(builtin)
        .map(from => `src/${file.name} imports ${from}`),
      ...hostNamesIn(file.parsed.program).map(name => `src/${file.name} names ${name}`),
    ])
    const remedy =
      'Say in src/runtime.ts what is needed, and bring it in src/hosts/node and src/hosts/workers'
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

/** What static, dynamic and re-exporting imports of a file name. */
function importsOf({ text, parsed }: (typeof files)[number]): string[] {
  const { staticImports, staticExports, dynamicImports } = parsed.module
  return [
    ...staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => (moduleRequest ? [moduleRequest.value] : [])),
    ),
    ...dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1)),
  ]
}

function ownImportsOf(file: (typeof files)[number]): string[] {
  const own = importsOf(file).filter(from => from.startsWith('.'))
  return [...new Set(own.map(from => posix.join(posix.dirname(file.name), from)))]
}

function memberOf(file: string): string {
  const [first = '', second] = file.replace(/\.ts$/, '').split('/')
  return first === 'hosts' ? `${first}/${second}` : first
}

/** People are shown what an event becomes there, also where nothing is delivered; the rules of a destination are about that. */
function mayKnowSegment(file: string, to: string): boolean {
  const shows =
    /^(admin|cli|library|send\/(routing|projection|preview))\b/.test(file) && to === 'send/segment/map.ts'
  return file === 'send/destinations.ts' || file.startsWith('send/segment/') || shows
}

function mayKnowFiles(file: string): boolean {
  return file === 'send/destinations.ts' || file.startsWith('send/files/')
}

function rowOf(file: string): number {
  return rows.findIndex(row => row.includes(memberOf(file)))
}

function mayImport(file: string, to: string): boolean {
  const [own, other] = [rowOf(file), rowOf(to)]
  const isAtRoot = !file.includes('/') && !to.includes('/')
  return memberOf(file) === memberOf(to) || other > own || (own === other && isAtRoot)
}

/** Groups of files that reach each other. */
function circles(): string[] {
  const reach = (from: string): Set<string> => {
    const found = new Set<string>()
    const visit = (name: string): void => {
      for (const to of imports.get(name) ?? []) {
        if (found.has(to)) continue
        found.add(to)
        visit(to)
      }
    }
    visit(from)
    return found
  }
  const reached = new Map([...imports.keys()].map(name => [name, reach(name)]))
  const groups = [...reached].flatMap(([name, found]) =>
    found.has(name)
      ? [
          [...found]
            .filter(to => reached.get(to)?.has(name))
            .sort()
            .map(to => `src/${to}`)
            .join(' ↔ '),
        ]
      : [],
  )
  return [...new Set(groups)]
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
