import type { HttpDeps } from '../deps.ts';
import type { HttpApp } from '../http-app.ts';

export function metricsRoutes(app: HttpApp, { metrics }: Pick<HttpDeps, 'metrics'>): void {
  // Contract: whatever the method.
  app.all('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics.render();
    return reply.type(contentType).send(text);
  });
}
