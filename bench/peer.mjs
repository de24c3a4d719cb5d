// A peer of the benchmarks: a line of JSON a task, a line of JSON an answer with the seconds it took inside.
import {does} from './wrapper.mjs';
import {createInterface} from 'node:readline';

const now = () => Number(process.hrtime.bigint()) / 1e9;
for await (const line of createInterface({input: process.stdin})) {
  const {op, ...task} = JSON.parse(line);
  const start = now();
  let answer;
  try {
    await does[op](task);
    answer = {ok: true, seconds: now() - start};
  } catch(error) {
    answer = {ok: false, error: error.message};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
