/** The element of an id that the page is known to have. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element ${id}`);
  return element as T;
}

/** An element with a text. Texts of servers go in here only: as text, never as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  properties: Partial<HTMLElementTagNameMap[K]> = {},
): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), { textContent: text }, properties);
}

/** A button that is off while its action runs. */
export function button(text: string, label: string, action: () => Promise<void>): HTMLButtonElement {
  const made = element('button', text, { type: 'button', className: 'second small', ariaLabel: label });
  onClick(made, action);
  return made;
}

export function onClick(target: HTMLButtonElement, action: () => Promise<void>): void {
  target.addEventListener('click', () => void during([target], action));
}

/** Calls back with the form's fields and the button that was used, instead of leaving the page. */
export function onSubmit(
  form: HTMLFormElement,
  action: (fields: FormData, button: string) => Promise<void>,
): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const { value = '' } = (event.submitter ?? {}) as { value?: string };
    void during([...form.querySelectorAll('button')], () => action(fields, value));
  });
}

async function during(buttons: HTMLButtonElement[], action: () => Promise<void>): Promise<void> {
  const focused = document.activeElement as HTMLElement | null;
  for (const each of buttons) each.disabled = true;
  try {
    await action();
  } finally {
    for (const each of buttons) each.disabled = false;
    // A button that was switched off has lost the focus.
    if (document.activeElement === document.body) focused?.focus();
  }
}

/** Tells how something went; screen readers read it out. */
export function tell(text: string, kind: 'good' | 'bad' = 'good'): void {
  const message = byId('message');
  message.textContent = text;
  message.className = kind;
}
