/** Any JSON value that passed the strict reader: no duplicate names, no unsafe numbers. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
