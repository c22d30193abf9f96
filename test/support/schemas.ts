/** Every generated file in schemas/, as text by file name; and the table of settings in docs/configuration.md. */
import { toMarkdown } from '../../src/cli/settings-table.ts'
import { Settings } from '../../src/config.ts'
import { toSchemaFiles } from '../../src/families/schemas.ts'

export const folder = new URL('../../schemas/', import.meta.url)

const files = toSchemaFiles({ settings: Settings })

export const generated: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(files).map(([file, schema]) => [file, `${JSON.stringify(schema, null, 2)}\n`]),
)

export const configurationPage = new URL('../../docs/configuration.md', import.meta.url)

/** That page with the table between its markers made anew. */
export function withSettingsTable(text: string): string {
  const [begin, end] = ['<!-- settings -->\n', '<!-- /settings -->']
  if (!text.includes(begin) || !text.includes(end))
    throw new Error(`docs/configuration.md needs ${begin}and ${end}`)
  const before = text.slice(0, text.indexOf(begin) + begin.length)
  return `${before}${toMarkdown()}\n${text.slice(text.indexOf(end))}`
}
