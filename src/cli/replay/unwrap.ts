/**
 * A JSON record → the events in it: the record itself, or those that stand somewhere in what a queue, a log, a proxy or an
 * export has wrapped around them. They are looked for, and no wrapper need be known. Pure.
 */
import { isObject, type JsonObject } from '../../event/event.ts'
import { toMember, toSlices } from '../../event/json-slices.ts'
import { type Budget, hasMark, mayHoldEvent, newBudget, toJsonText } from './packed-text.ts'
import { splitAll } from './split.ts'
import { toWrapper } from './wrappers.ts'

export type Unwrapped =
  | { readonly value: unknown; readonly text: string; readonly fault?: undefined }
  | { readonly fault: string; readonly text: string }

/** A place in a record. The text of it is made when it is asked for. */
type Node = { readonly value: unknown; readonly path: string; readonly text: () => string }
type Search = { readonly budget: Budget; readonly seen: Set<string> }

/** SNS in SQS in a Lambda's log is three. */
const DEEPEST_TEXT = 6
const DEEPEST_NODE = 24
/** Each element of these is a record of its own, and is missed when it holds no event. */
const LISTS: readonly string[] = [
  'Records',
  'records',
  'Messages',
  'messages',
  'receivedMessages',
  'logEvents',
]

export function* unwrap(text: string): Generator<Unwrapped, void> {
  yield* open(text, '$', { budget: newBudget(), seen: new Set() }, 0)
}

function* open(text: string, path: string, search: Search, depth: number): Generator<Unwrapped, void> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return yield { text, fault: `not_json: ${error instanceof Error ? error.message : String(error)}` }
  }
  const node = { value, path, text: () => text }
  if (isObject(value) && value.bridge === 1) return yield { value, text }
  if (isEvent(value)) return yield* openEvent(node, value, search, depth)
  let isFound = false
  for (const found of within(node, search, depth, 0)) {
    isFound = true
    yield found
  }
  if (isFound) return
  const wrapper = toWrapper(value)
  if (wrapper === undefined && isObject(value)) yield { value, text }
  else
    yield {
      text,
      fault: `not_a_cloudevent: ${path === '$' ? '' : `${path}: `}${wrapper ?? 'a text'} that holds no event`,
    }
}

function isEvent(value: unknown): value is JsonObject {
  return isObject(value) && value.specversion !== undefined
}

/** Whoever passes an event on as one of their own puts it into theirs. */
function* openEvent(
  node: Node,
  event: JsonObject,
  search: Search,
  depth: number,
): Generator<Unwrapped, void> {
  const isTwilios = typeof event.type === 'string' && event.type.startsWith('com.twilio.')
  let isFound = false
  if (!isTwilios) {
    for (const name of ['data', 'data_base64']) {
      for (const found of within(memberOf(node, event, name), search, depth, 0)) {
        isFound = true
        yield found
      }
    }
  }
  if (!isFound && isNew(event, node, search)) yield { value: event, text: node.text() }
}

/** Some wrappers hold an event twice: as it came, and parsed. */
function isNew({ source, id }: JsonObject, { path }: Node, { seen }: Search): boolean {
  if (path === '$' || typeof id !== 'string') return true
  const key = JSON.stringify([source, id])
  if (seen.has(key)) return false
  seen.add(key)
  return true
}

/** All that is found in a place, a sentence for each part that should hold an event and does not. */
function* within(node: Node, search: Search, depth: number, level: number): Generator<Unwrapped, void> {
  const { value } = node
  if (level > DEEPEST_NODE) return
  if (typeof value === 'string') {
    if (mayHoldEvent(value)) yield* openText(value, node.path, search, depth)
  } else if (isEvent(value)) {
    yield* openEvent(node, value, search, depth)
  } else if (Array.isArray(value)) {
    for (const element of elementsOf(node, value)) yield* within(element, search, depth, level + 1)
  } else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      const member = memberOf(node, value, name)
      if (LISTS.includes(name) && Array.isArray(member.value))
        yield* list(member, member.value, search, depth, level + 1)
      else yield* within(member, search, depth, level + 1)
    }
  }
}

function* list(
  node: Node,
  elements: readonly unknown[],
  search: Search,
  depth: number,
  level: number,
): Generator<Unwrapped, void> {
  for (const element of elementsOf(node, elements)) {
    let isFound = false
    for (const found of within(element, search, depth, level + 1)) {
      isFound = true
      yield found
    }
    if (!isFound)
      yield {
        text: element.text(),
        fault: `not_a_cloudevent: ${element.path}: ${toWrapper(element.value) ?? 'a record'} that holds no event`,
      }
  }
}

function memberOf(node: Node, object: JsonObject, name: string): Node {
  return {
    value: object[name],
    path: `${node.path}.${name}`,
    text: () => toMember(node.text(), name) ?? 'null',
  }
}

function elementsOf(node: Node, elements: readonly unknown[]): Node[] {
  let slices: string[] | undefined
  const textOf = (index: number) => {
    slices ??= toSlices(node.text())
    return slices[index] ?? 'null'
  }
  return elements.map((value, index) => ({
    value,
    path: `${node.path}[${index}]`,
    text: () => textOf(index),
  }))
}

function* openText(text: string, path: string, search: Search, depth: number): Generator<Unwrapped, void> {
  if (depth === DEEPEST_TEXT)
    return yield { text, fault: `not_json: ${path} is wrapped more than ${DEEPEST_TEXT} times` }
  let json: string
  try {
    json = toJsonText(text, search.budget)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return yield { text, fault: `not_json: ${path} cannot be unpacked (${why})` }
  }
  let isFound = false
  for (const piece of splitAll(Buffer.from(json))) {
    if (piece.fault === undefined) {
      // What stands beside events in a text, a log's own fields for one, is none and need be none.
      if (!hasMark(piece.text) && !mayHoldEvent(piece.text)) continue
      isFound = true
      yield* open(piece.text, `${path}`, search, depth + 1)
    } else if (hasMark(piece.text)) {
      isFound = true
      yield { text: piece.text, fault: `${piece.fault}, in ${path}` }
    }
  }
  if (!isFound) yield { text, fault: `not_a_cloudevent: ${path} holds no event` }
}
