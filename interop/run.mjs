// Stands beside a wrapper.mjs: an array of tasks on stdin, an array of answers on stdout.
import {does} from './wrapper.mjs';
import {readFileSync} from 'node:fs';

const answers = [];
for(const {op, ...task} of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    answers.push({ok: true, result: await does[op](task)});
  } catch(error) {
    answers.push({ok: false, error: error.message});
  }
}
process.stdout.write(JSON.stringify(answers));
