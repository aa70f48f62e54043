import { groupDigits } from '../group-digits.js';

const daysOfYear = 365.25;

/** From here on, a time is said in years. */
const mostDays = 1000;

/** No path stays as it is for longer. */
const mostYears = 1_000_000;

const whole = (number: number) => groupDigits(Math.floor(number));

/** Says how often something happens that happens so many times a day: `3 times a day`, `once in 12 days`, `once in 2,737 years`. */
export function howOften(perDay: number): string {
  if (perDay === 0) return 'never';
  if (perDay > 1) return `${perDay >= 100 ? whole(perDay) : Number(perDay.toPrecision(2))} times a day`;
  const days = 1 / perDay;
  if (days < 2) return 'once a day';
  if (days < mostDays) return `once in ${whole(days)} days`;
  const years = days / daysOfYear;
  return years <= mostYears ? `once in ${whole(years)} years` : `once in over ${groupDigits(mostYears)} years`;
}
