// Building pages: elements from values, never from markup; one polite announcer.

// make('p', {class: 'soft', onclick: f}, 'text', child, ...)
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const button = (text, onclick, attributes = {}) => make('button', { type: 'button', onclick, ...attributes }, text);

// What a control is called, above it. `id` must be unique in the page.
export const labelled = (text, control) => make('p', {}, make('label', { for: control.id }, text), make('br'), control);

let last = '';
export function announce(text) {
  const place = document.getElementById('announcer');
  if (place === null) return; // a widget in somebody else's page stays silent
  // The same words again are said again.
  place.textContent = text === last ? `${text}\u00a0` : text;
  last = place.textContent;
}
