/** The settings as people read them: in `--help`, and as the table of docs/configuration.md. Pure. */
import { toFileName } from '../config/secret-files.ts'
import { isSecret, type SettingName, Settings, settingNames } from '../config.ts'

type Row = { readonly name: SettingName; readonly preset: string; readonly meaning: string }

const rows: readonly Row[] = settingNames.map(name => {
  const defaults: Readonly<Record<string, unknown>> = Settings.partial().parse({})
  const preset = defaults[name]
  return {
    name,
    preset: preset === undefined ? '' : String(preset),
    meaning: `${Settings.shape[name].meta()?.description ?? ''}${isSecret(name) ? ` (secret, or ${toFileName(name)})` : ''}`,
  }
})

export function formatSettings(): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  return rows
    .map(({ name, preset, meaning }) => `  ${name.padEnd(width)}  ${meaning}${preset ? ` [${preset}]` : ''}`)
    .join('\n')
}

/** A `.env` with every setting of Node: those without a default empty, which counts as not set; the rest as comments. */
export function toEnvExample(): string {
  const here = rows.filter(({ name }) => Settings.shape[name].meta()?.host !== 'workers')
  const lines = here.map(
    ({ name, preset, meaning }) => `\n# ${meaning}\n${preset && '# '}${name}=${preset}\n`,
  )
  return `# Copy this file to .env. The settings are those of docs/configuration.md; "npm run schemas" writes both.\n${lines.join('')}`
}

export function toMarkdown(): string {
  const lines = rows.map(
    ({ name, preset, meaning }) => `| \`${name}\` | ${preset && `\`${preset}\``} | ${meaning} |`,
  )
  return ['| setting | default | meaning |', '|---|---|---|', ...lines].join('\n')
}
