/** The least that the core takes. What was sealed at a cost says which, and opens at that cost everywhere. */
export const cheapPassphrase = { memoryKiB: 8192, passes: 1 };
