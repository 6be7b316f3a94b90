#!/usr/bin/env node
import 'reflect-metadata';
import { describeFailure } from './failure.js';
import { createProgram } from './program.js';

try {
  await createProgram().parseAsync();
} catch (error) {
  console.error(`authfort: ${describeFailure(error)}`);
  process.exitCode = 1;
}
