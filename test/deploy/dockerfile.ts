/**
 * Carries out a Dockerfile without Docker: a small interpreter of the instructions that ours uses. Each stage is a folder, and a
 * path such as /app is that path below it. Everything runs as a user without privileges, the build as well.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, join, posix } from 'node:path'

export type Instruction = { readonly name: string; readonly text: string }

/** The number of the image's user, and of whoever builds here when the tests run as root. */
const USER = 1000
const isRoot = process.getuid?.() === 0
const asUser = isRoot ? { uid: USER, gid: USER } : {}

export function parseDockerfile(text: string): Instruction[] {
  const lines = text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  return lines
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
      if (name === '') throw new Error(`Not an instruction: ${line}`)
      return { name, text: rest }
    })
}

/** The words of the exec form: `["node", "-e", "…"]`. */
export function toWords(text: string): string[] {
  const words: unknown = JSON.parse(text)
  if (!Array.isArray(words) || !words.every(word => typeof word === 'string'))
    throw new Error(`Not the exec form: ${text}`)
  return words
}

/** `NAME=value NAME=value`. */
export function toVariables(text: string): [string, string][] {
  return text.split(/\s+/).map(pair => {
    const equals = pair.indexOf('=')
    return [pair.slice(0, equals), pair.slice(equals + 1)]
  })
}

/** What may get into the image: `*` and the names that come back behind a `!`. Nothing else is known here. */
export function readIgnored(text: string): ReadonlySet<string> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const odd = lines.slice(1).filter(line => !/^!\.?[\w-]+(\.\w+)*$/.test(line))
  if (lines[0] !== '*' || odd.length > 0)
    throw new Error(`.dockerignore: ${lines[0]} first, then !name: ${odd}`)
  return new Set(lines.slice(1).map(line => line.slice(1)))
}

type Stage = {
  readonly root: string
  readonly env: Map<string, string>
  readonly volumes: string[]
  workdir: string
  cmd: string[]
  healthcheck: string[]
}

export type Image = {
  readonly root: string
  readonly volumes: readonly string[]
  readonly cmd: readonly string[]
  readonly healthcheck: readonly string[]
  /** How its processes are started: `more` is what `docker run -e` adds. */
  options(more?: Readonly<Record<string, string>>): {
    readonly cwd: string
    readonly env: Record<string, string>
    readonly uid?: number
    readonly gid?: number
  }
  remove(): void
}

/** Throws when a step fails, with what it said. The tree of the image is read-only, but for its volumes. */
export function buildImage(context: string): Image {
  const work = mkdtempSync(join(tmpdir(), 'image-'))
  const remove = () => rmSync(work, { recursive: true, force: true })
  try {
    return { ...buildBelow(work, context), remove }
  } catch (error) {
    remove()
    throw error
  }
}

function buildBelow(work: string, context: string): Omit<Image, 'remove'> {
  const tools = toTools(work)
  const network = toNetwork()
  const allowed = readIgnored(readFileSync(join(context, '.dockerignore'), 'utf8'))
  const stages = new Map<string, Stage>()
  const variables = new Map<string, string>()
  let stage: Stage | undefined

  for (const { name, text } of parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    if (name === 'ARG') for (const [key, value] of toVariables(text)) variables.set(key, value)
    else if (name === 'FROM') {
      const [, as = `${stages.size}`] = /\sAS (\S+)$/.exec(text) ?? []
      stage = newStage(join(work, as))
      stages.set(as, stage)
    } else if (stage) carryOut(stage, name, text)
    else throw new Error(`${name} stands before FROM`)
  }
  if (!stage) throw new Error('There is no FROM')
  const { root, volumes, cmd, healthcheck, env, workdir } = stage
  protect(root, new Set(volumes.map(path => root + path)))
  return {
    root,
    volumes,
    cmd,
    healthcheck,
    options: (more = {}) => ({
      cwd: root + workdir,
      env: { ...toEnvironment(root, env), ...more },
      ...asUser,
    }),
  }

  function newStage(root: string): Stage {
    mkdirSync(root)
    own(root)
    return { root, env: new Map(), volumes: [], workdir: '/', cmd: [], healthcheck: [] }
  }

  function carryOut(into: Stage, name: string, text: string): void {
    const at = (path: string) => into.root + posix.resolve(into.workdir, path)
    if (name === 'WORKDIR') {
      into.workdir = text
      mkdirSync(at('.'), { recursive: true })
      own(at('.'))
    } else if (name === 'ENV') for (const [key, value] of toVariables(text)) into.env.set(key, value)
    else if (name === 'RUN') run(into, text)
    else if (name === 'COPY') copy(at, text)
    else if (name === 'VOLUME') into.volumes.push(text)
    else if (name === 'CMD') into.cmd = toWords(text)
    else if (name === 'HEALTHCHECK') into.healthcheck = toWords(text.replace(/^.*?CMD /, ''))
    else if (!['USER', 'EXPOSE', 'STOPSIGNAL', 'LABEL'].includes(name)) throw new Error(`Unknown: ${name}`)
  }

  function run({ root, workdir, env }: Stage, text: string): void {
    const options = { cwd: root + workdir, env: { ...network, ...toEnvironment(root, env) }, ...asUser }
    const { status, stdout, stderr } = spawnSync('sh', ['-c', below(root, text)], {
      ...options,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`RUN ${text}: exit code ${status}\n${stdout}\n${stderr}`)
  }

  function copy(at: (path: string) => string, text: string): void {
    const words = text.split(/\s+/)
    const from = words.find(word => word.startsWith('--from='))?.slice('--from='.length)
    const paths = words.filter(word => !word.startsWith('--'))
    const to = paths.pop() ?? ''
    for (const path of paths) {
      if (from === undefined && !allowed.has(path.split('/')[0] ?? ''))
        throw new Error(`COPY ${path}: ignored`)
      const source = from === undefined ? join(context, path) : `${stages.get(from)?.root}${path}`
      const isInto = to.endsWith('/') && lstatSync(source).isFile()
      const target = isInto ? join(at(to), basename(path)) : at(to)
      cpSync(source, target, { recursive: true, verbatimSymlinks: true, mode: 0 })
      forEach(target, own)
    }
  }

  function toEnvironment(root: string, env: ReadonlyMap<string, string>): Record<string, string> {
    const path = [tools, process.env.PATH].join(delimiter)
    const own = [...env].map(([key, value]) => [key, below(root, value.replace('$PATH', path))])
    return { HOME: tools, PATH: path, ...Object.fromEntries(own) }
  }
}

/** Paths of the image, such as /app/bin, as they are called here. */
function below(root: string, text: string): string {
  return text.replaceAll(/(^|[\s:=])(\/(?:app|data)\b)/g, (_, before, path) => `${before}${root}${path}`)
}

/** This Node, under its name, where a user without privileges may run it; his home, too. */
function toTools(work: string): string {
  const tools = join(work, 'tools')
  mkdirSync(tools)
  chmodSync(work, 0o755)
  cpSync(process.execPath, join(tools, 'node'))
  own(tools)
  return tools
}

/** How this machine reaches its registry, which may be said in a file that only root can read. */
function toNetwork(): Record<string, string> {
  const asked = ['registry', 'cafile'].map(name => {
    const value = execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim()
    return [`npm_config_${name}`, value]
  })
  const given = Object.entries(process.env).filter(([name]) =>
    /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name),
  )
  return Object.fromEntries(
    [...asked, ...given].filter(([, value]) => value !== undefined && value !== 'null'),
  )
}

function own(path: string): void {
  if (isRoot && !lstatSync(path).isSymbolicLink()) chownSync(path, USER, USER)
}

function protect(root: string, volumes: ReadonlySet<string>): void {
  forEach(root, path => {
    if ([...volumes].some(volume => path === volume || path.startsWith(`${volume}/`))) return
    if (lstatSync(path).isSymbolicLink()) return
    if (isRoot) chownSync(path, 0, 0)
    chmodSync(path, lstatSync(path).mode & 0o555)
  })
}

function forEach(path: string, act: (path: string) => void): void {
  act(path)
  if (!lstatSync(path).isDirectory()) return
  for (const name of readdirSync(path)) forEach(join(path, name), act)
}
