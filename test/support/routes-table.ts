/** The table of docs/api.md, between its marks: made from the document of the API. */
import * as z from 'zod'
import { toDocument } from '../../src/http/openapi/document.ts'

const Document = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        summary: z.string(),
        parameters: z.array(z.object({ name: z.string(), in: z.string() })).default([]),
        requestBody: z
          .object({ content: z.record(z.string(), z.object({ schema: z.unknown() })) })
          .optional(),
      }),
    ),
  ),
})
const Body = z.object({ properties: z.record(z.string(), z.unknown()).default({}) })
const begin = '<!-- routes -->'
const end = '<!-- /routes -->'

export function withRoutesTable(page: string): string {
  const [before, rest] = page.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`docs/api.md lacks ${begin} … ${end}`)
  return `${before}${begin}\n\n${toRoutesTable()}\n\n${end}${after}`
}

function toRoutesTable(): string {
  const rows = Object.entries(Document.parse(toDocument()).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, parameters, requestBody }]) => {
      const query = parameters.filter(one => one.in === 'query').map(({ name }) => name)
      const json = Body.safeParse(requestBody?.content['application/json']?.schema).data?.properties ?? {}
      const takes = [...query, ...Object.keys(json)].map(name => `\`${name}\``).join(', ')
      return `| \`${method.toUpperCase()} ${path}\` | ${summary} | ${takes} |`
    }),
  )
  return ['| route | | takes |', '|---|---|---|', ...rows].join('\n')
}
