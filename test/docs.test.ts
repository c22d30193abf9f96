/** What the documentation names exists: files, headings, commands, options, settings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { foreignNames, knownNames } from './deploy/tools.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join('docs', name)),
]

it('[DY97] every link leads to a file that exists, and to a heading in it', () => {
  const dead = pages.flatMap(page =>
    [...read(page).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)]
      .map(([, link = '', source = link]) => source)
      .filter(link => !/^[a-z]+:/.test(link) && !leads(page, link))
      .map(link => `${page}: ${link}`),
  )
  expect(dead).toEqual([])
})

function leads(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, file))) return false
  return anchor === undefined || toAnchors(read(file)).has(anchor)
}

/** As GitHub makes them. */
function toAnchors(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map(heading =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** By command, `dead-letters list`; test/frozen.test.ts holds them to be what the commands print. */
const helps: ReadonlyMap<string, string> = new Map(
  read('test/frozen/help.txt')
    .split(/^\$ twilio-segment-bridge /m)
    .map(text => [text.slice(0, text.indexOf('--help')).trim(), text]),
)

it('[DY98] every command line of the documentation is one that the command has', () => {
  const lines = pages.flatMap(page => {
    const whole = read(page).matchAll(/(?:npx|bridge|--) twilio-segment-bridge ([a-z-][^`\n#|>&)]*)/g)
    const short = [...read(page).matchAll(/`([a-z-]+ [^`\n]*--[^`\n]*)`/g)]
    const own = short.filter(([, line = '']) => helps.has(line.split(' ')[0] ?? ''))
    return [...whole, ...own].map(([, line = '']) => ({ page, line: line.trim() }))
  })
  expect(lines.length).toBeGreaterThan(30)
  const faults = lines.map(({ page, line }) => ({ page, line, fault: findFault(line.split(/\s+/)) }))
  expect(faults.filter(({ fault }) => fault)).toEqual([])
})

function findFault(words: readonly string[]): string | undefined {
  const [name = '', below = ''] = words
  if (!helps.has(name)) return `no command ${name}`
  const help = helps.get(`${name} ${below}`) ?? helps.get(name) ?? ''
  // Commands of the third row have no help in that file.
  if (help.includes('[command]')) return undefined
  const options = words.flatMap(word => /^--?[a-z][-a-z]*/.exec(word)?.[0] ?? [])
  const unknown = options.find(option => !new RegExp(`^ .*${option}\\b`, 'm').test(help))
  return unknown && `no option ${unknown}`
}

it('[DY99] every setting that the documentation names exists', () => {
  const settings = pages
    .filter(page => page !== 'docs/rules.md' && page !== 'CONTRIBUTING.md')
    .flatMap(page =>
      [...read(page).matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(([, name = '']) => ({ page, name })),
    )
  const unknown = settings.filter(({ name }) => !knownNames.has(name) && !foreignNames.has(name))
  expect(settings.length).toBeGreaterThan(30)
  expect(unknown).toEqual([])
})

it('[DY97] the README fits on three screens', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(130)
})
