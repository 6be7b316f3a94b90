import type { Provider, Type } from '@nestjs/common';

/** One feature folder's part of the module. */
export interface Feature {
  /** Controllers below the route prefix. */
  readonly controllers?: readonly Type[];
  /** Controllers at the root. */
  readonly rootControllers?: readonly Type[];
  readonly providers?: readonly Provider[];
}
