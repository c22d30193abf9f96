/** Every generated file in schemas/, as text by file name; and the table of settings in docs/configuration.md. */
import { toEnvExample, toMarkdown } from '../../src/cli/settings-table.ts'
import { DestinationsFile } from '../../src/config/destinations-schema.ts'
import { Settings } from '../../src/config.ts'
import { toSchemaFiles } from '../../src/families/schemas.ts'
import { SessionCreate, SessionUpdate } from '../../src/proxy/requests.ts'
import { Interaction, Participant, Service, Session } from '../../src/proxy/resources.ts'
import { toTypesTable } from './types-table.ts'

export const folder = new URL('../../schemas/', import.meta.url)

const files = toSchemaFiles({
  settings: Settings,
  destinations: DestinationsFile,
  'proxy-service': Service,
  'proxy-session': Session,
  'proxy-participant': Participant,
  'proxy-interaction': Interaction,
  'proxy-session-create': SessionCreate,
  'proxy-session-update': SessionUpdate,
})

export const generated: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(files).map(([file, schema]) => [file, `${JSON.stringify(schema, null, 2)}\n`]),
)

export const configurationPage = new URL('../../docs/configuration.md', import.meta.url)

/** That page with the table between its markers made anew. */
export const withSettingsTable = (text: string): string => withTable(text, 'settings', toMarkdown())

export const envExampleFile = new URL('../../.env.example', import.meta.url)
export const envExample: string = toEnvExample()

export const mappingPage = new URL('../../docs/mapping.md', import.meta.url)

export const withTypesTable = (text: string): string => withTable(text, 'types', toTypesTable())

function withTable(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`]
  if (!text.includes(begin) || !text.includes(end)) throw new Error(`the page needs ${begin}and ${end}`)
  const before = text.slice(0, text.indexOf(begin) + begin.length)
  return `${before}${table}\n${text.slice(text.indexOf(end))}`
}
