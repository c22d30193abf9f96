/** Keys that stand twice in an object of a JSON text: JSON.parse takes the last of them and says nothing. Pure. */

/** The first one's path, dots between its steps. `text` is JSON. */
export function findDuplicateKey(text: string): string | undefined {
  const open: { readonly keys: Set<string>; key: string }[] = []
  let last = ''
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    const top = open.at(-1)
    if (token === '{' || token === '[') open.push({ keys: new Set(), key: '' })
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':' && top) {
      top.key = last
      if (top.keys.has(last)) return open.flatMap(({ key }) => (key === '' ? [] : [key])).join('.')
      top.keys.add(last)
    } else if (token.startsWith('"')) last = String(JSON.parse(token))
  }
  return undefined
}
