/**
 * Results → bench/results.json, and the tables between `<!-- bench:<section> -->` and `<!-- /bench:<section> -->` of the pages
 * that have such marks. What stands outside the marks is prose, and stays.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sectionNames } from '../arguments.ts'
import type { Results } from '../sections.ts'
import { toPlot } from './plot.ts'
import { toMarkdown } from './table.ts'
import { tellers } from './tables.ts'
import { toTargets } from './targets.ts'

const resultsFile = 'bench/results.json'
const plotFile = 'docs/throughput.svg'
const mainPage = 'docs/performance.md'
const pages = [mainPage, 'README.md']
const blocks = [...sectionNames, 'targets', 'machine'] as const
type Block = (typeof blocks)[number]

/** A run of some sections leaves what is known of the others. Returns the files written. */
export function writeMarkdown(root: string, latest: Results): string[] {
  const written: string[] = []
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
    written.push(file)
  }
  const known: Partial<Results> = existsSync(join(root, resultsFile)) ? read(root, resultsFile) : {}
  const results: Results = { ...known, ...latest }
  write(resultsFile, `${JSON.stringify(results, null, 2)}\n`)
  if (results.throughput) write(plotFile, toPlot(results.throughput))
  for (const page of pages) {
    const text = existsSync(join(root, page))
      ? readFileSync(join(root, page), 'utf8')
      : page === mainPage
        ? empty()
        : ''
    const filled = blocks.reduce((page, block) => fill(page, block, toBlock(block, results)), text)
    if (filled !== text || (page === mainPage && !existsSync(join(root, page)))) write(page, filled)
  }
  return written
}

function read(root: string, file: string): Partial<Results> {
  return JSON.parse(readFileSync(join(root, file), 'utf8'))
}

function empty(): string {
  const marks = blocks.map(block => `<!-- bench:${block} -->\n<!-- /bench:${block} -->\n`)
  return `# Performance\n\n![events a second, side by side](throughput.svg)\n\n${marks.join('\n')}`
}

function fill(page: string, block: Block, text: string | undefined): string {
  if (text === undefined) return page
  const between = new RegExp(`(<!-- bench:${block} -->\\n)[^]*?(<!-- /bench:${block} -->)`, 'g')
  return page.replace(between, (_all, open: string, close: string) => `${open}${text}\n${close}`)
}

function toBlock(block: Block, results: Results): string | undefined {
  if (block === 'machine') return `Measured on ${results.at}: ${results.machine}.`
  if (block === 'targets') {
    const rows = toTargets(results).map(({ text, found, reached }) => [
      text,
      found,
      reached ? 'reached' : 'missed',
    ])
    return rows.length === 0 ? undefined : toMarkdown({ heads: ['target', 'found', ''], rows })
  }
  const told = tellers[block](results)
  if (!told) return undefined
  const notes = told.notes.map(note => `- ${note}`).join('\n')
  return [...told.tables.map(toMarkdown), ...(notes ? [notes] : [])].join('\n\n')
}
