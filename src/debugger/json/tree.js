/**
 * A parsed JSON value as lines that fold. Only what is open is in the document, and of long lists and texts only a piece,
 * so that ten thousand keys cost no more than a hundred.
 * @import { ValidationError as Fault } from '../../event/validation-errors.ts'
 */
import { h, replaceChildren } from '../dom.js'
import { clip, number, visible } from '../format.js'
import { icon } from '../parts.js'
import { isExactNumber } from './exact.js'
import { splitPath, toStep } from './paths.js'

const OPEN_DEPTH = 3
const OPEN_MOST = 120
const PIECE = 100
const TEXT_PIECE = 400
const MORE_PIECE = 500
/** Deeper lines are not moved in any further. */
const INDENT_MOST = 20

/**
 * @typedef {object} TreeOptions
 * @property {readonly Fault[]} [faults]
 * @property {(text: string) => string} [hide] what a text may show
 * @property {(path: string) => HTMLElement | null} [beside] what stands at the end of a line
 * @property {Record<string, string>} [tags] words beside a value, by path
 */

/**
 * @param {unknown} value
 * @param {TreeOptions} [options]
 */
export function createTree(value, { faults = [], hide = text => text, beside = () => null, tags = {} } = {}) {
  /** @type {Map<string, HTMLElement>} */
  const lines = new Map()
  /** @type {Map<string, () => void>} */
  const openers = new Map()
  const faultAt = new Map(faults.map(fault => [fault.path, fault]))
  /** @type {Map<string, { key: string, fault: Fault }[]>} */
  const missing = new Map()
  for (const fault of faults) {
    const place = splitPath(fault.path)
    if (place) missing.set(place.parent, [...(missing.get(place.parent) ?? []), { key: place.key, fault }])
  }
  /** What leads to a fault opens by itself. @param {string} path */
  const leads = path => faults.some(fault => fault.path !== path && fault.path.startsWith(path))

  const element = h('div', { class: 'json' }, node(undefined, value, '$', 0))

  /**
   * @param {string | number | undefined} key
   * @param {unknown} item
   * @param {string} path
   * @param {number} depth
   */
  function node(key, item, path, depth) {
    return typeof item === 'object' && item !== null && !isExactNumber(item)
      ? branch(key, item, path, depth)
      : leaf(key, item, path, depth)
  }

  /**
   * @param {string | number | undefined} key
   * @param {unknown} item
   * @param {string} path
   * @param {number} depth
   */
  function leaf(key, item, path, depth) {
    return line(
      path,
      depth,
      null,
      keyPart(key),
      valuePart(item),
      tagPart(path),
      faultPart(path),
      beside(path),
    )
  }

  /**
   * @param {string | number | undefined} key
   * @param {object} item
   * @param {string} path
   * @param {number} depth
   */
  function branch(key, item, path, depth) {
    const isList = Array.isArray(item)
    const keys = isList ? item.length : Object.keys(item).length
    const [from, to] = isList ? ['[', ']'] : ['{', '}']
    const children = h('div', { class: 'json-children' })
    const missingFields = (missing.get(path) ?? []).filter(one => !has(item, one.key))
    const toggle = h(
      'button',
      {
        type: 'button',
        class: 'json-toggle',
        'aria-label': `${key === undefined ? 'All' : String(key).slice(0, 60)}, ${number(keys)} ${isList ? 'items' : 'keys'}`,
        on: { click: () => turn(toggle.getAttribute('aria-expanded') !== 'true') },
      },
      icon('next'),
    )
    const rest = h('span', { class: 'json-rest' })
    const hasMore = keys > 0 || missingFields.length > 0
    const head = line(
      path,
      depth,
      hasMore ? toggle : null,
      keyPart(key),
      h('span', { class: 'json-mark' }, from),
      rest,
      tagPart(path),
      faultPart(path),
      beside(path),
    )
    const foot = h(
      'div',
      { class: 'json-line json-foot', css: indent(depth) },
      h('span', { class: 'json-mark' }, to),
    )

    /** @param {boolean} open */
    function turn(open) {
      toggle.setAttribute('aria-expanded', String(open))
      replaceChildren(
        rest,
        open
          ? ''
          : ` ${number(keys)} ${keys === 1 ? (isList ? 'item' : 'key') : isList ? 'items' : 'keys'} ${to}`,
      )
      foot.hidden = !open
      if (!open) return replaceChildren(children)
      replaceChildren(
        children,
        missingFields.map(({ key: name, fault }) => missingField(name, fault, depth + 1)),
      )
      more(children, item, path, depth + 1, 0)
    }
    openers.set(path, () => toggle.getAttribute('aria-expanded') !== 'true' && turn(true))
    if (hasMore) turn((depth < OPEN_DEPTH && keys <= OPEN_MOST) || depth === 0 || leads(path))
    else {
      replaceChildren(rest, to)
      foot.hidden = true
    }
    return h('div', { class: 'json-branch' }, head, children, foot)
  }

  /**
   * @param {HTMLElement} into
   * @param {object} item
   * @param {string} path
   * @param {number} depth
   * @param {number} start
   */
  function more(into, item, path, depth, start) {
    const isList = Array.isArray(item)
    const names = isList ? [] : Object.keys(item)
    const all = isList ? item.length : names.length
    const end = Math.min(all, start + (start === 0 ? PIECE : MORE_PIECE))
    for (let index = start; index < end; index += 1) {
      const key = isList ? index : (names[index] ?? '')
      into.append(node(key, isList ? item[index] : Reflect.get(item, key), path + toStep(key), depth))
    }
    if (end === all) return
    const text = `Show ${all - end > MORE_PIECE ? `${MORE_PIECE} of ` : ''}${number(all - end)} more`
    const button = h('button', { type: 'button', class: 'link' }, text)
    const row = h('div', { class: 'json-line', css: indent(depth) }, button)
    button.addEventListener('click', () => {
      row.remove()
      more(into, item, path, depth, end)
    })
    into.append(row)
  }

  /**
   * @param {string} path
   * @param {number} depth
   * @param {...(Node | string | null)} parts
   */
  function line(path, depth, ...parts) {
    const element = h(
      'div',
      {
        class: faultAt.has(path) ? 'json-line json-fault' : 'json-line',
        'data-path': path,
        css: indent(depth),
      },
      parts,
    )
    lines.set(path, element)
    return element
  }

  /**
   * @param {string} key
   * @param {Fault} fault
   * @param {number} depth
   */
  function missingField(key, fault, depth) {
    return line(
      fault.path,
      depth,
      keyPart(key),
      h('span', { class: 'json-missing' }, 'missing'),
      faultPart(fault.path),
    )
  }

  /** @param {string} path */
  function faultPart(path) {
    const fault = faultAt.get(path)
    if (!fault) return null
    const received = hide(visible(fault.received))
    return h(
      'span',
      { class: 'json-said' },
      icon('alert'),
      h(
        'span',
        null,
        'expected ',
        h('b', null, visible(fault.expected)),
        ', received ',
        h('b', null, h('bdi', null, received)),
      ),
    )
  }

  /** @param {string} path */
  function tagPart(path) {
    const tag = tags[path]
    return tag ? h('span', { class: 'json-tag' }, tag) : null
  }

  /** @param {string | number | undefined} key */
  function keyPart(key) {
    if (key === undefined) return null
    const text = typeof key === 'number' ? String(key) : hide(visible(clip(key, 200)))
    return h('span', { class: 'json-key' }, h('bdi', { class: 'data' }, text), ': ')
  }

  /** @param {unknown} item */
  function valuePart(item) {
    if (typeof item !== 'string') {
      const isExact = isExactNumber(item)
      const text = hide(isExact ? JSON.stringify(item) : String(item))
      const isNumber = isExact || typeof item === 'number'
      return h('span', { class: isNumber ? 'json-number' : 'json-word' }, text)
    }
    const text = h('bdi', { class: 'data json-string' })
    const show = (/** @type {number} */ n) =>
      replaceChildren(text, `"${hide(visible(clip(item, n)))}${item.length > n ? '' : '"'}`)
    show(TEXT_PIECE)
    if (item.length <= TEXT_PIECE) return text
    const all = h('button', { type: 'button', class: 'link' }, `Show all ${number(item.length)} characters`)
    all.addEventListener('click', () => {
      show(item.length)
      all.remove()
    })
    return h('span', null, text, ' ', all)
  }

  return {
    element,
    /** The line of a path, if it is open. @param {string} path */
    find: path => (lines.get(path)?.isConnected ? lines.get(path) : undefined),
    /** The line of a path; what hides it opens. @param {string} path */
    reach(path) {
      const steps = []
      for (let at = splitPath(path); at; at = splitPath(at.parent)) steps.unshift(at.parent)
      for (const step of steps) openers.get(step)?.()
      return lines.get(path)
    },
  }
}

/** @param {number} depth */
function indent(depth) {
  return { '--depth': String(Math.min(depth, INDENT_MOST)) }
}

/**
 * @param {object} item
 * @param {string} key
 */
function has(item, key) {
  return Object.hasOwn(item, key.startsWith('"') ? JSON.parse(key) : key)
}
