import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.testkit.ts';
import { LogSink, type LogTrouble } from './log-sink.ts';

const FD = 7;
const LINE = `${'x'.repeat(1_023)}\n`;

/** A file that takes everything, until it is told by which error to fail. */
class FakeFile {
  text = '';
  failsBy: string | undefined;
  /** How many bytes it takes before it fails. */
  room = 0;
  writes = 0;

  write(fd: number, bytes: Buffer): number {
    expect(fd).toBe(FD);
    this.writes += 1;
    if (this.failsBy !== undefined && this.room === 0) {
      throw Object.assign(new Error('no'), { code: this.failsBy });
    }
    const taken = this.failsBy === undefined ? bytes : bytes.subarray(0, this.room);
    this.room -= this.failsBy === undefined ? 0 : taken.length;
    this.text += taken.toString();
    return taken.length;
  }
}

function open() {
  const file = new FakeFile();
  const clock = new FakeClock(0);
  const errors: string[] = [];
  const sink = new LogSink({
    ...{ fd: FD, clock },
    troubleLine: ({ reason, since, lost }: LogTrouble) =>
      `${reason} since ${since}, ${lost} lost\n`,
    onError: (code) => errors.push(code),
    writeBytes: (fd, bytes) => file.write(fd, bytes),
  });
  return { file, clock, errors, sink };
}

describe('the log', () => {
  it.each(['ENOSPC', 'EPIPE', 'EIO'])(
    'survives %s: nothing is thrown, lines wait, and it tells when it is over',
    async (code) => {
      const { file, clock, errors, sink } = open();
      sink.write('before\n');
      file.failsBy = code;
      await clock.advance(500);
      sink.write('first\n');
      sink.write('second\n');
      await clock.advance(10_000);
      expect(errors).toEqual([code]);
      file.failsBy = undefined;
      await clock.advance(1_000);
      sink.write('after\n');
      expect(file.text).toBe(`before\nfirst\nsecond\n${code} since 500, 0 lost\nafter\n`);
      expect(sink.lostLines).toBe(0);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('asks a file that fails once a second, however much there is to log', async () => {
    const { file, clock, sink } = open();
    file.failsBy = 'ENOSPC';
    for (let line = 0; line < 100; line += 1) sink.write('x\n');
    expect(file.writes).toBe(1);
    await clock.advance(3_000);
    expect(file.writes).toBe(4);
  });

  it('goes on in the middle of a line where the disk became full', async () => {
    const { file, clock, sink } = open();
    [file.failsBy, file.room] = ['ENOSPC', 4];
    sink.write('a long line\n');
    expect(file.text).toBe('a lo');
    file.failsBy = undefined;
    await clock.advance(1_000);
    expect(file.text).toMatch(/^a long line\nENOSPC/);
  });

  it('waits for a reader that stands still without a word, as long as nothing is lost', async () => {
    const { file, clock, errors, sink } = open();
    file.failsBy = 'EAGAIN';
    sink.write('first\n');
    sink.write('second\n');
    file.failsBy = undefined;
    await clock.advance(20);
    expect(file.text).toBe('first\nsecond\n');
    expect(errors).toEqual([]);
  });

  it('keeps what led to a standstill, counts the rest, and says so behind it, once', async () => {
    const { file, clock, sink } = open();
    file.failsBy = 'EAGAIN';
    for (let line = 0; line < 1_030; line += 1) sink.write(LINE);
    expect(sink.lostLines).toBe(6);
    file.room = 10 * LINE.length;
    await clock.advance(20);
    sink.write('into the gap\n');
    expect(sink.lostLines).toBe(7);
    file.failsBy = undefined;
    await clock.advance(20);
    sink.write('after\n');
    expect(file.text.replaceAll(LINE, '')).toBe('slow reader since 0, 7 lost\nafter\n');
    expect(file.text.split(LINE)).toHaveLength(1_025);
  });

  it('can be flushed at once, and says why not all was written', () => {
    const { file, sink } = open();
    file.failsBy = 'EAGAIN';
    sink.write('first\n');
    expect(sink.flush()).toBe('EAGAIN');
    expect(sink.isWaiting).toBe(true);
    file.failsBy = undefined;
    expect(sink.flush()).toBeUndefined();
    expect(sink.isWaiting).toBe(false);
    expect(file.text).toBe('first\n');
  });
});
