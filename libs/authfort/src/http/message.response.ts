/** An answer that only says that something was done. */
export interface MessageResponse {
  message: string;
}

export function done(message: string): MessageResponse {
  return { message };
}
