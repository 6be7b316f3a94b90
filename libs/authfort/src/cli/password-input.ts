import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CommandError } from './failure.js';

/** The password on standard input, without the line break at its end. */
export async function readPasswordFromStdin(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}

/** Asks for a new password twice, without showing it. @throws CommandError when there is no terminal, or the two differ */
export async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY)
    throw new CommandError('There is no terminal to ask for the password: use --password-stdin.');
  const password = await ask('Password: ');
  if ((await ask('Once more: ')) !== password)
    throw new CommandError('The two passwords differ; nothing was done.');
  return password;
}

function ask(prompt: string): Promise<string> {
  process.stderr.write(prompt);
  // What readline echoes goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    lines.on('SIGINT', () => {
      lines.close();
      reject(new CommandError('Stopped; nothing was done.'));
    });
    lines.question('', (answer) => {
      lines.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}
