/**
 * Elements out of plain data. What comes from an event only ever becomes a text node or an attribute's value: there is no
 * way from here to markup.
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {string | number | boolean | null | undefined} Attribute
 * @typedef {{
 *   on?: Record<string, (event: any) => void>,
 *   css?: Record<string, string>,
 *   [attribute: string]: Attribute | Record<string, any> | undefined
 * }} Props  `css` sets properties through the CSSOM, which a strict Content-Security-Policy allows.
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props | null} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children)
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Props | null} [props]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), props, children)
}

/**
 * @template {HTMLElement | SVGElement} E
 * @param {E} element
 * @param {Props | null | undefined} props
 * @param {(Child | Child[])[]} children
 * @returns {E}
 */
function fill(element, props, children) {
  const { on = {}, css = {}, ...attributes } = props ?? {}
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener)
  for (const [name, value] of Object.entries(css)) element.style.setProperty(name, value)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...toNodes(children.flat()))
  return element
}

/**
 * Swaps all children.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function replaceChildren(element, ...children) {
  element.replaceChildren(...toNodes(children.flat()))
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function toNodes(children) {
  return children.flatMap(child =>
    child === null || child === undefined || child === false
      ? []
      : [typeof child === 'number' ? String(child) : child],
  )
}

/**
 * Sets text only where it differs, so that a screen reader or a selection is not disturbed by the same words.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/**
 * The colour a token stands for in the theme of now, for a canvas: `colorOf('--accent')`.
 * @param {string} token
 * @returns {string}
 */
export function colorOf(token) {
  const probe = h('span', { hidden: true, css: { color: `var(${token})` } })
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
