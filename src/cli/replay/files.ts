/** What was named on the command line → the files to read, in order: folders recursively by name, `-` is stdin. */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
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

/** What a replay itself writes. */
export const REJECTED = '.rejected.ndjson'
const CHUNK_BYTES = 64 * 1_024
const HEAD_BYTES = 4_096

/** `empty`: folders without any file. `faults`: what cannot be read at all, a sentence each. */
export type Found = { readonly sources: Source[]; readonly empty: string[]; readonly faults: string[] }

/** Each file once, however often it is named or linked to. Throws CliError. */
export function findSources(names: readonly string[], stdin: () => Readable): Found {
  const found: Found = { sources: [], empty: [], faults: [] }
  const seen = new Set<string>()
  for (const name of names) {
    if (name === '-') {
      found.sources.push({ name: 'stdin', path: undefined, size: undefined, open: stdin })
      continue
    }
    const before = seen.size
    if (!statSync(name, { throwIfNoEntry: false })) throw new CliError(`No such file: ${name}`, 2)
    visit(name, true, found, seen)
    if (seen.size === before + 1 && statSync(name).isDirectory()) found.empty.push(name)
  }
  return found
}

function visit(path: string, isNamed: boolean, found: Found, seen: Set<string>): void {
  try {
    const stat = statSync(path)
    const real = realpathSync(path)
    if (seen.has(real)) return
    seen.add(real)
    if (stat.isDirectory()) {
      const names = readdirSync(path).filter(name => !name.startsWith('.') && !name.endsWith(REJECTED))
      for (const name of names.sort()) visit(join(path, name), false, found, seen)
    } else if (isNamed || stat.isFile()) found.sources.push(toSource(path))
  } catch (error) {
    found.faults.push(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
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

/** A file is the same one when its path, its size and its beginning are. `undefined`: it cannot be read. */
export function headOf(path: string): string | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    // Reading it will say why.
    return undefined
  }
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
