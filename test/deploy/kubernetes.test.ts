/** deploy/kubernetes/: missing and wrong fields are found by kubernetes-models, unknown ones by the types of kubernetes-types. */
// @module-tag long
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { knownNames, lacks, listFiles, readYaml, root } from './tools.ts'

const folder = 'deploy/kubernetes'

type Model = { validate(): void }
/** What makes each kind, and where kubernetes-types has it. `undefined`: it has none. */
const kinds: Readonly<Record<string, readonly [(manifest: object) => Model, string | undefined]>> = {
  Namespace: [manifest => new Namespace(manifest), 'core/v1'],
  NetworkPolicy: [manifest => new NetworkPolicy(manifest), 'networking/v1'],
  PodDisruptionBudget: [manifest => new PodDisruptionBudget(manifest), 'policy/v1'],
  Secret: [manifest => new Secret(manifest), 'core/v1'],
  Service: [manifest => new Service(manifest), 'core/v1'],
  ServiceMonitor: [manifest => new ServiceMonitor(Monitored.parse(manifest)), undefined],
  StatefulSet: [manifest => new StatefulSet(manifest), 'apps/v1'],
}
const Monitored = z.looseObject({
  spec: z.looseObject({ selector: z.looseObject({}), endpoints: z.array(z.looseObject({})) }),
})

const Manifest = z.looseObject({ kind: z.string() })
const files = listFiles(folder).filter(file => !file.endsWith('kustomization.yaml'))
const manifests = files.flatMap(file =>
  readYaml(file).map(text => ({ file, manifest: Manifest.parse(text) })),
)

describe('the manifests', () => {
  it.each(manifests)(
    '[DY40] $file has every field that its kind needs, of the right type',
    ({ manifest }) => {
      const [toModel] = kinds[manifest.kind] ?? []
      expect(toModel, manifest.kind).toBeDefined()
      toModel?.(manifest).validate()
    },
  )

  it('[DY40] a missing or wrong field would be found', () => {
    const { manifest } = manifests.find(({ manifest }) => manifest.kind === 'StatefulSet') ?? {}
    const [toModel] = kinds.StatefulSet ?? []
    const { spec } = z.looseObject({ spec: z.looseObject({}) }).parse(manifest)
    const { selector: _, ...without } = spec
    expect(() => toModel?.({ ...manifest, spec: without }).validate()).toThrow('selector')
    expect(() => toModel?.({ ...manifest, spec: { ...spec, replicas: 'one' } }).validate()).toThrow(
      'replicas',
    )
  })

  it('[DY41] no manifest has a field that its kind does not know', () => {
    const typed = manifests.flatMap(({ file, manifest }) => {
      const from = kinds[manifest.kind]?.[1]
      return from === undefined
        ? []
        : [{ name: file, from, kind: manifest.kind, text: JSON.stringify(manifest) }]
    })
    expect(compile(typed)).toBe('')
    const odd = { name: 'odd', from: 'core/v1', kind: 'Service', text: '{ "spec": { "port": [] } }' }
    expect(compile([odd])).toContain('port')
  })

  it('[DY42] the pod sets only settings that exist, and its probes ask routes that do', () => {
    const text = JSON.stringify(manifests.find(({ manifest }) => manifest.kind === 'StatefulSet'))
    const names = [...text.matchAll(/"name":"([A-Z_]+)"/g)].map(([, name = '']) => name)
    expect(names).toContain('ADMIN_TOKEN_FILE')
    expect(names.filter(name => !knownNames.has(name))).toEqual([])
    const paths = [...text.matchAll(/"path":"([^"]+)"/g)].map(([, path]) => path)
    expect(paths).toEqual(['/healthz', '/healthz', '/readyz'])
    const secret = JSON.stringify(manifests.find(({ manifest }) => manifest.kind === 'Secret'))
    for (const [, key] of text.matchAll(/\/run\/secrets\/bridge\/([\w-]+)"/g))
      expect(secret).toContain(`"${key}"`)
  })
})

it.skipIf(lacks('kubectl', 'Kubernetes has it'))(
  '[DY43] the kustomization names every file that is no example',
  () => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(root, folder)], {
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
    for (const { manifest } of manifests) {
      if (manifest.kind !== 'Secret') expect(stdout).toContain(`kind: ${manifest.kind}`)
    }
    expect(stdout).not.toContain('kind: Secret')
  },
)

type Typed = { readonly name: string; readonly from: string; readonly kind: string; readonly text: string }

/** What the compiler says of each as a constant of its type. */
function compile(typed: readonly Typed[]): string {
  const work = join(root, 'node_modules/.cache/manifests')
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  try {
    const options = {
      strict: true,
      noEmit: true,
      types: [],
      module: 'ESNext',
      moduleResolution: 'bundler',
      skipLibCheck: true,
    }
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['.'] }))
    typed.forEach(({ name, from, kind, text }, index) => {
      const code = `// ${name}\nimport type { ${kind} } from 'kubernetes-types/${from}'\nexport const it: ${kind} = ${text}\n`
      writeFileSync(join(work, `${index}.ts`), code)
    })
    const { stdout } = spawnSync('npx', ['tsc', '-p', work], { cwd: root, encoding: 'utf8' })
    return stdout
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
