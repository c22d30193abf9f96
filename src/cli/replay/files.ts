/** What was named on the command line → the files to read, in order: folders recursively by name, `-` is stdin. */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { CliError } from '../terminal.ts'

export type Source = {
  /** As a person named it. */
  readonly name: string
  /** `undefined` for stdin. */
  readonly path: string | undefined
  /** Bytes, packed as they are; `undefined` when nobody knows. */
  readonly size: number | undefined
  open(): Readable
}

/** What a replay itself writes beside a file. */
export const REJECTED = '.rejected.ndjson'
const CHUNK_BYTES = 64 * 1_024
const HEAD_BYTES = 4_096

/** Throws CliError. `empty`: folders without any file. */
export function findSources(
  names: readonly string[],
  stdin: () => Readable,
): { sources: Source[]; empty: string[] } {
  const empty: string[] = []
  const sources = names.flatMap(name => {
    if (name === '-') return [{ name: 'stdin', path: undefined, size: undefined, open: stdin }]
    const found = filesIn(name, true)
    if (found.length === 0) empty.push(name)
    return found.map(toSource)
  })
  return { sources, empty }
}

function filesIn(path: string, isNamed: boolean): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat && isNamed) throw new CliError(`No such file: ${path}`, 2)
  if (!stat?.isDirectory()) return stat && (isNamed || stat.isFile()) ? [path] : []
  return readdirSync(path)
    .filter(name => !name.startsWith('.') && !name.endsWith(REJECTED))
    .sort()
    .flatMap(name => filesIn(join(path, name), false))
}

function toSource(name: string): Source {
  const stat = statSync(name)
  return {
    name,
    // A pipe has no place to come back to.
    path: stat.isFile() ? resolve(name) : undefined,
    size: stat.isFile() ? stat.size : undefined,
    open: () => createReadStream(name, { highWaterMark: CHUNK_BYTES }),
  }
}

/** Where its bad records go, in this order of preference. */
export function rejectedFiles({ path, name }: Source): string[] {
  const here = resolve(`${basename(name)}${REJECTED}`)
  return path ? [`${path}${REJECTED}`, here] : [here]
}

/** A file is the same one when its path, its size and its beginning are. */
export function headOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(HEAD_BYTES)
    return createHash('sha256')
      .update(bytes.subarray(0, readSync(file, bytes)))
      .digest('hex')
      .slice(0, 32)
  } finally {
    closeSync(file)
  }
}
